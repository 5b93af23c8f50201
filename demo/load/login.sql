\set c random(1, :customers)
SELECT id, name, country FROM customers WHERE email = 'user' || :c || '@example.com' AND deleted_at IS NULL;
