select id from orders order by 1, status desc nulls last
