select id from products where to_tsvector(body) @@ $1::tsquery
