select id from customers where email::text = 'x'
