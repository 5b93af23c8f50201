select id from orders where status in ('a', $1)
