\set p random_zipfian(1, :products, 1.1)
SELECT id, name, price, stock, attributes FROM products WHERE id = :p;
SELECT r.rating, r.body, r.created_at FROM reviews r WHERE r.product_id = :p ORDER BY r.created_at DESC LIMIT 10;
SELECT avg(rating), count(*) FROM reviews WHERE product_id = :p;
