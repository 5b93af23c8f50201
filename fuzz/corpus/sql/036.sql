select 1 from orders o, unnest($1::int[]) as u(id) where o.id = u.id
