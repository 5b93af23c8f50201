\set k random(1, 60)
\set b random(0, 199)
SELECT id, name, price FROM products WHERE attributes @> jsonb_build_object('brand', 'Brand ' || :b) AND stock > 0 ORDER BY price LIMIT 24;
SELECT attributes ->> 'colour' AS colour, count(*) FROM products WHERE category_id = :k GROUP BY 1 ORDER BY 2 DESC;
SELECT id, name FROM products WHERE tags @> ARRAY['tag' || :k % 20] AND category_id = :k ORDER BY id LIMIT 24;
