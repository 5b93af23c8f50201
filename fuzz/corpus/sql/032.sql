select 1 from customers join orders using (id) where id = 5
