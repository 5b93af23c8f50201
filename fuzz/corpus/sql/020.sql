select id from customers where extract(year from created_at) = 2024
