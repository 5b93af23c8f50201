select 1 from orders where customer_id not in (select id from customers where active)
