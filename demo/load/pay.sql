\set o random(1, :orders)
UPDATE payments SET paid_at = now() WHERE order_id = :o AND paid_at IS NULL;
