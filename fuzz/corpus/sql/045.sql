with recursive t as (select id, parent_id from products where id = 1 union all select p.id, p.parent_id from products p join t on p.parent_id = t.id) select * from t where id > 5
