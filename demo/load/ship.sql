\set o random(1, :orders)
UPDATE orders SET status = 'shipped', updated_at = now() WHERE id = :o AND status = 'packed';
