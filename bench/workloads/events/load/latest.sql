\set d random(1, :devices)
SELECT at, kind, value FROM readings WHERE device_id = :d ORDER BY at DESC LIMIT 20;
