-- One query for the list, then one for each line of it.
\set o random(1, :orders)
SELECT count(*) FROM order_items WHERE order_id BETWEEN :o AND :o + 4;
SELECT min(product_id) AS a, max(product_id) AS b FROM order_items WHERE order_id BETWEEN :o AND :o + 4 \gset
SELECT id, name, stock FROM products WHERE id = :a;
SELECT id, name, stock FROM products WHERE id = :b;
SELECT id, name, stock FROM products WHERE id = :a + 1;
SELECT id, name, stock FROM products WHERE id = :b - 1;
SELECT method, amount, paid_at FROM payments WHERE order_id = :o;
SELECT method, amount, paid_at FROM payments WHERE order_id = :o + 1;
