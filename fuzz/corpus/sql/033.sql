select id from customers right join orders using (id) where id = 3
