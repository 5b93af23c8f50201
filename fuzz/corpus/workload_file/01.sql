-- calls: 1200, mean_ms: 3.5
select * from orders where customer_id = 42;
