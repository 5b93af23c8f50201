\set c random_zipfian(1, :customers, 1.1)
SELECT id, email, name, phone, country, city FROM customers WHERE id = :c AND deleted_at IS NULL;
SELECT id, street, postcode, city, country FROM addresses WHERE customer_id = :c AND deleted_at IS NULL ORDER BY is_default DESC, id;
