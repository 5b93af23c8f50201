\set c random(1, :customers)
\set p random_zipfian(1, :products, 1.1)
BEGIN;
INSERT INTO orders (customer_id, status, total, created_at, updated_at) VALUES (:c, 'new', 42, now(), now()) RETURNING id \gset
INSERT INTO order_items (order_id, line, product_id, quantity, price) VALUES (:id, 1, :p, 1, 42);
UPDATE products SET stock = stock - 1 WHERE id = :p;
END;
