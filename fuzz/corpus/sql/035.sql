select 1 from products p join products q on p.parent_id = q.id
