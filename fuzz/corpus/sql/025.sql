select id from orders where round(total) = 5 and abs(total) > 1
