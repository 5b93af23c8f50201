select id from orders where status not in ('a','b')
