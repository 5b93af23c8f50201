prepare p (int) as select id from orders where id = $1
