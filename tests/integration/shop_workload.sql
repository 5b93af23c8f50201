-- SPDX-License-Identifier: PostgreSQL
-- The shop's load as it once was: what it takes when it is run depends on what else the machine does.
-- calls: 43, mean_ms: 16.2
SELECT o.customer_id, sum(i.quantity) FROM order_items i JOIN orders o ON o.id = i.order_id WHERE i.product_id = $1 GROUP BY 1 ORDER BY 2 DESC LIMIT $2;
-- calls: 240, mean_ms: 2.3
SELECT method, amount, paid_at FROM payments WHERE order_id = $1;
-- calls: 289, mean_ms: 1.31
SELECT id, status, total, created_at FROM orders WHERE customer_id = $1 ORDER BY created_at DESC LIMIT $2;
-- calls: 325, mean_ms: 0.933
SELECT r.rating, r.body, r.created_at FROM reviews r WHERE r.product_id = $1 ORDER BY r.created_at DESC LIMIT $2;
-- calls: 325, mean_ms: 0.78
SELECT avg(rating), count(*) FROM reviews WHERE product_id = $1;
-- calls: 47, mean_ms: 5.14
SELECT id, customer_id, total, created_at FROM orders WHERE status = $1 ORDER BY created_at LIMIT $2;
-- calls: 64, mean_ms: 3.56
SELECT s.order_id, s.carrier, s.shipped_at, s.delivered_at, o.status FROM shipments s JOIN orders o ON o.id = s.order_id WHERE s.tracking = $2 || upper(substr(md5(($1)::text), $3, $4));
-- calls: 47, mean_ms: 4.84
SELECT count(*) FROM open_orders;
-- calls: 15, mean_ms: 13.9
SELECT p.category_id, sum(i.quantity * i.price) FROM order_items i JOIN orders o ON o.id = i.order_id JOIN products p ON p.id = i.product_id WHERE o.created_at >= timestamptz $1 GROUP BY 1 ORDER BY 2 DESC LIMIT $2;
-- calls: 240, mean_ms: 0.858
SELECT id, name, country FROM customers WHERE email = $2 || $1 || $3 AND deleted_at IS NULL;
-- calls: 87, mean_ms: 2.28
SELECT kind, payload, created_at FROM events WHERE customer_id = $1 AND created_at >= timestamptz $2 ORDER BY created_at DESC LIMIT $3;
-- calls: 55, mean_ms: 2.19
SELECT method, amount, paid_at FROM payments WHERE order_id = $1 + $2;
-- calls: 40, mean_ms: 2.49
UPDATE payments SET paid_at = now() WHERE order_id = $1 AND paid_at IS NULL;
-- calls: 19, mean_ms: 4.48
SELECT c.id, c.email FROM customers c WHERE c.country = $1 AND c.deleted_at IS NULL AND NOT EXISTS (SELECT FROM orders o WHERE o.customer_id = c.id AND o.created_at >= timestamptz $2) ORDER BY c.created_at LIMIT $3;
-- calls: 14, mean_ms: 3.8
SELECT s.id, s.order_id, s.carrier, c.email FROM shipments s JOIN orders o ON o.id = s.order_id JOIN customers c ON c.id = o.customer_id WHERE s.delivered_at IS NULL AND s.carrier = $1 ORDER BY s.shipped_at LIMIT $2;
-- calls: 56, mean_ms: 0.835
SELECT token, agent, address, seen_at FROM sessions WHERE customer_id = $1 ORDER BY seen_at DESC LIMIT $2;
-- calls: 50, mean_ms: 0.775
SELECT id, name, price FROM products WHERE name ILIKE $2 || $1 || $3 ORDER BY price LIMIT $4;
-- calls: 41, mean_ms: 0.801
SELECT id, name, price FROM products WHERE attributes @> jsonb_build_object($2, $3 || $1) AND stock > $4 ORDER BY price LIMIT $5;
-- calls: 425, mean_ms: 0.0678
SELECT s.token, s.customer_id, c.name FROM sessions s LEFT JOIN customers c ON c.id = s.customer_id WHERE s.token = md5($2 || $1)::uuid;
-- calls: 15, mean_ms: 1.87
SELECT c.country, count(*), sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.created_at >= timestamptz $1 AND o.status <> $2 GROUP BY c.country ORDER BY 3 DESC;
-- calls: 287, mean_ms: 0.0968
INSERT INTO events (customer_id, session, kind, payload, created_at) VALUES ($1, md5(($2)::text)::uuid, $4, jsonb_build_object($5, $6 || $3), now());
-- calls: 174, mean_ms: 0.145
SELECT id, name, price FROM products WHERE category_id = $1 AND stock > $2 ORDER BY price LIMIT $3;
-- calls: 9, mean_ms: 2.05
SELECT kind, count(*), count(DISTINCT session) FROM events WHERE created_at >= timestamptz $1 GROUP BY kind ORDER BY 2 DESC;
-- calls: 172, mean_ms: 0.0783
INSERT INTO orders (customer_id, status, total, coupon, created_at, updated_at) VALUES ($1, $3, $4, $5 || $2, now(), now()) RETURNING id;
-- calls: 425, mean_ms: 0.026
UPDATE sessions SET seen_at = now() WHERE token = md5($2 || $1)::uuid;
-- calls: 15, mean_ms: 0.734
SELECT date_trunc($1, created_at) AS day, count(*), sum(total) FROM orders WHERE created_at >= timestamptz $2 GROUP BY 1 ORDER BY 1;
-- calls: 9, mean_ms: 1.11
SELECT count(*), sum(total) FROM orders WHERE coupon = $2 || $1 AND created_at >= timestamptz $3;
-- calls: 7, mean_ms: 1.31
SELECT r.id, r.rating, r.body, p.name FROM reviews r JOIN products p ON p.id = r.product_id WHERE r.rating <= $1 AND r.created_at >= timestamptz $2 ORDER BY r.created_at DESC LIMIT $3;
-- calls: 185, mean_ms: 0.048
SELECT o.*, c.name, c.email FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = $1;
-- calls: 41, mean_ms: 0.21
SELECT id, name FROM products WHERE tags @> ARRAY[$3 || $1 % $4] AND category_id = $2 ORDER BY id LIMIT $5;
-- calls: 51, mean_ms: 0.146
SELECT id, name, price FROM products WHERE category_id = $1 ORDER BY name LIMIT $3 OFFSET $2;
-- calls: 172, mean_ms: 0.041
INSERT INTO order_items (order_id, line, product_id, quantity, price) VALUES ($1, $3, $2, $4, $5);
-- calls: 325, mean_ms: 0.0208
SELECT id, name, price, stock, attributes FROM products WHERE id = $1;
-- calls: 49, mean_ms: 0.114
INSERT INTO reviews (product_id, customer_id, rating, body, created_at) VALUES ($1, $2, $3, $4, now());
-- calls: 234, mean_ms: 0.0201
SELECT id, email, name, phone, country, city FROM customers WHERE id = $1 AND deleted_at IS NULL;
-- calls: 50, mean_ms: 0.0932
SELECT id, sku, name FROM products WHERE sku LIKE $2 || $1 || $3 ORDER BY sku LIMIT $4;
-- calls: 172, mean_ms: 0.0251
INSERT INTO payments (order_id, method, amount) VALUES ($1, $2, $3);
-- calls: 234, mean_ms: 0.0171
SELECT id, street, postcode, city, country FROM addresses WHERE customer_id = $1 AND deleted_at IS NULL ORDER BY is_default DESC, id;
-- calls: 172, mean_ms: 0.0231
SELECT percent FROM coupons WHERE code = $2 || $1;
-- calls: 172, mean_ms: 0.0225
UPDATE coupons SET uses = uses + $2 WHERE code = $3 || $1;
-- calls: 185, mean_ms: 0.0197
SELECT i.line, i.quantity, i.price, p.name FROM order_items i JOIN products p ON p.id = i.product_id WHERE i.order_id = $1 ORDER BY i.line;
-- calls: 185, mean_ms: 0.019
SELECT carrier, tracking, shipped_at, delivered_at FROM shipments WHERE order_id = $1;
-- calls: 41, mean_ms: 0.0834
SELECT attributes ->> $2 AS colour, count(*) FROM products WHERE category_id = $1 GROUP BY 1 ORDER BY 2 DESC;
-- calls: 172, mean_ms: 0.0191
UPDATE products SET stock = stock - $2 WHERE id = $1;
-- calls: 55, mean_ms: 0.0166
SELECT count(*) FROM order_items WHERE order_id BETWEEN $1 AND $2 + $3;
-- calls: 83, mean_ms: 0.00888
UPDATE orders SET status = $2, updated_at = now() WHERE id = $1 AND status = $3;
-- calls: 83, mean_ms: 0.00752
UPDATE shipments SET delivered_at = now() WHERE order_id = $1 AND delivered_at IS NULL;
-- calls: 110, mean_ms: 0.0054
SELECT id, name, stock FROM products WHERE id = $1;
-- calls: 55, mean_ms: 0.00827
SELECT min(product_id) AS a, max(product_id) AS b FROM order_items WHERE order_id BETWEEN $1 AND $2 + $3;
-- calls: 55, mean_ms: 0.00423
SELECT id, name, stock FROM products WHERE id = $1 - $2;
-- calls: 55, mean_ms: 0.00363
SELECT id, name, stock FROM products WHERE id = $1 + $2;
