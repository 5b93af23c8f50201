select id from customers where name like '\_a%'
