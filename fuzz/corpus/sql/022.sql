select id from customers where (attributes ->> 'd')::date > '2024-01-01'
