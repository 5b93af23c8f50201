select distinct on (customer_id) * from orders order by customer_id, created_at desc
