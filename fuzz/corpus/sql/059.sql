select s.id from (select id, total from orders order by total desc limit 3) s order by s.id
