SELECT id, customer_id, total, created_at FROM orders WHERE status = 'paid' ORDER BY created_at LIMIT 50;
SELECT count(*) FROM open_orders;
