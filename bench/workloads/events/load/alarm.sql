\set d random(1, :devices)
\set a random(1, :alarms)
INSERT INTO alarms (device_id, raised_at, severity, during, message) VALUES (:d, now(), 1, tstzrange(now(), NULL), 'alarm overheat');
UPDATE alarms SET cleared_at = now(), during = tstzrange(raised_at, greatest(raised_at, now())) WHERE id = :a AND cleared_at IS NULL;
