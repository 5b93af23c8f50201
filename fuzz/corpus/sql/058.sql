select max(id), count(*) from orders
