select id from orders where 5 < total
