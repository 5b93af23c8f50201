\set n random(0, 12)
SELECT count(*), sum(total) FROM orders WHERE coupon = 'SAVE' || :n AND created_at >= timestamptz '2026-03-01 00:00+00';
