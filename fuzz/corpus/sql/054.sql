select status s, count(*) from orders group by s having count(*) > 3 and status <> 'x'
