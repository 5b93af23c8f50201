select id from customers where (attributes -> 'n')::int = 3 and jsonb_array_length(attributes) > 2 and attributes ->> 0 = 'x'
