select id from customers where name like $1 || '%'
