SELECT date_trunc('day', created_at) AS day, count(*), sum(total) FROM orders WHERE created_at >= timestamptz '2026-06-10 00:00+00' GROUP BY 1 ORDER BY 1;
SELECT p.category_id, sum(i.quantity * i.price) FROM order_items i JOIN orders o ON o.id = i.order_id JOIN products p ON p.id = i.product_id WHERE o.created_at >= timestamptz '2026-06-20 00:00+00' GROUP BY 1 ORDER BY 2 DESC LIMIT 10;
