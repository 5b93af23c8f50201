select 1 from orders o where o.id > all (select order_id from items)
