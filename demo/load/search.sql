\set n random(100, 999)
SELECT id, name, price FROM products WHERE name ILIKE '%' || :n || 'a%' ORDER BY price LIMIT 20;
SELECT id, sku, name FROM products WHERE sku LIKE 'SKU-00000' || :n || '%' ORDER BY sku LIMIT 10;
