\set o random(1, :orders)
SELECT s.order_id, s.carrier, s.shipped_at, s.delivered_at, o.status FROM shipments s JOIN orders o ON o.id = s.order_id WHERE s.tracking = 'T' || upper(substr(md5((:o)::text), 1, 14));
