\set c random_zipfian(1, :customers, 1.1)
SELECT id, status, total, created_at FROM orders WHERE customer_id = :c ORDER BY created_at DESC LIMIT 20;
