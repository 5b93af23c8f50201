select id from orders where (status, total) = ('a', 5)
