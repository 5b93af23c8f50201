\set o random(1, :orders)
SELECT o.*, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = :o;
SELECT i.line, i.quantity, i.price, p.name FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = :o ORDER BY i.line;
SELECT method, amount, paid_at FROM payments WHERE order_id = :o;
SELECT carrier, tracking, shipped_at, delivered_at FROM shipments WHERE order_id = :o;
