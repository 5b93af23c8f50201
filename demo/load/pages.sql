\set k random(1, 60)
\set f random(0, 20) * 24
SELECT id, name, price FROM products WHERE category_id = :k ORDER BY name LIMIT 24 OFFSET :f;
