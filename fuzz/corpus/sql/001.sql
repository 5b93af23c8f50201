select id from orders where not total < 5
