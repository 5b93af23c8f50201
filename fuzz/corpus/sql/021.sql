select id from orders where date(created_at) = $1
