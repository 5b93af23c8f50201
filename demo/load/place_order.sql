\set c random(1, :customers)
\set p random_zipfian(1, :products, 1.1)
\set k random(0, 12)
BEGIN;
SELECT percent FROM coupons WHERE code = 'SAVE' || :k;
INSERT INTO orders (customer_id, status, total, coupon, created_at, updated_at) VALUES (:c, 'new', 42, 'SAVE' || :k, now(), now()) RETURNING id \gset
INSERT INTO order_items (order_id, line, product_id, quantity, price) VALUES (:id, 1, :p, 1, 42);
INSERT INTO payments (order_id, method, amount) VALUES (:id, 'card', 42);
UPDATE products SET stock = stock - 1 WHERE id = :p;
UPDATE coupons SET uses = uses + 1 WHERE code = 'SAVE' || :k;
END;
