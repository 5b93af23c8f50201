select id from orders where id = $1::bigint and status = $2::text
