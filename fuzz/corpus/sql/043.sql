select status from (select * from orders) s order by total
