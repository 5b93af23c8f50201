\set c random_zipfian(1, :customers, 1.1)
SELECT kind, payload, created_at FROM events WHERE customer_id = :c AND created_at >= timestamptz '2026-05-01 00:00+00' ORDER BY created_at DESC LIMIT 30;
