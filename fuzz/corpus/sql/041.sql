select 1 from items i join (select customer_id from orders group by customer_id) s on s.customer_id = i.product_id
