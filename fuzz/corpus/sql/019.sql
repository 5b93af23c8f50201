select id from customers where id::int4 = 5
