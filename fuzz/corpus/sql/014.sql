select id from customers where name ~ '^a*b'
