\set p random_zipfian(1, :products, 1.1)
\set c random(1, :customers)
INSERT INTO reviews (product_id, customer_id, rating, body, created_at) VALUES (:p, :c, 4, 'As described.', now());
