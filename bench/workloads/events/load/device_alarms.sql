\set d random(1, :devices)
SELECT raised_at, cleared_at, severity, message FROM alarms WHERE device_id = :d ORDER BY raised_at DESC LIMIT 25;
