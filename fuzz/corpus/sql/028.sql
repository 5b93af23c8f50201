select id from customers where '{"a":1}'::jsonb <@ attributes
