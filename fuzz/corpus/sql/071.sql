select 1 from orders o where exists (select 1 from (select order_id from items where price > 3) s where s.order_id = o.id)
