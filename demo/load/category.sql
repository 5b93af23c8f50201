\set k random(1, 60)
SELECT id, name, price FROM products WHERE category_id = :k AND stock > 0 ORDER BY price LIMIT 24;
