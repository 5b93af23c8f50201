select id from customers where name ilike 'abc%'
