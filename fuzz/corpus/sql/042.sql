select s.e from (select lower(email) e, id from customers) s where s.e = 'x' and s.id = 3
