select 1 from orders where exists (select 1 from customers where id = customer_id and total > 5)
