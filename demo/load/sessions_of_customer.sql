\set c random_zipfian(1, :customers, 1.1)
SELECT token, agent, address, seen_at FROM sessions WHERE customer_id = :c ORDER BY seen_at DESC LIMIT 5;
