select id from orders where true
