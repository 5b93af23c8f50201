update orders set total = 5 where customer_id in (select id from customers where country = 'x')
