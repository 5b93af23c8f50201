\set p random_zipfian(1, :products, 1.1)
SELECT o.customer_id, sum(i.quantity) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE i.product_id = :p GROUP BY 1 ORDER BY 2 DESC LIMIT 5;
