select id from orders where shipped_on is not null
