insert into orders (id) select order_id from items where price > 3 on conflict (id) do update set status = excluded.status, total = orders.total + 1 where orders.status <> 'x' returning *
