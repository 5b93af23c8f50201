select id from orders where nullif(total, 0) > 5
