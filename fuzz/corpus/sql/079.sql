select * from orders where d::interval $1
