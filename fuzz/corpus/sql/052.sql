select x.id from (select id from orders except select id from customers) x where x.id = 3
