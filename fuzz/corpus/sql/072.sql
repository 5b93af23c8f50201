select 1 from orders o where exists (select 1 from items i where o.status = 'x' and i.order_id = 5)
