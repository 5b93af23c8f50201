select id from customers where name || ' ' || country = 'x y'
