select 1 from orders o where o.total = (select max(i.price) from items i where i.order_id = o.id)
