select id from orders where (status = 'a' or status = 'b') and (total = 1 or total = 2)
