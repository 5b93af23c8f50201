select * from orders order by total + 1
