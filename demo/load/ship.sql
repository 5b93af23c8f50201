\set o random(1, :orders)
UPDATE orders SET status = 'shipped', updated_at = now() WHERE id = :o AND status = 'packed';
UPDATE shipments SET delivered_at = now() WHERE order_id = :o AND delivered_at IS NULL;
