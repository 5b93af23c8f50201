select * from orders tablesample system (10) where id = 3
