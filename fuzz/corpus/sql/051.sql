select id from orders where status = 'a' union all select id from orders where status = 'b' order by id limit 5
