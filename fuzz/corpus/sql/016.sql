select id from customers where name similar to 'ab%'
