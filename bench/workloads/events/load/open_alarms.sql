\set s random(1, :sites)
SELECT a.id, a.raised_at, a.message, d.serial FROM alarms a JOIN devices d ON d.id = a.device_id WHERE a.cleared_at IS NULL AND d.site_id = :s ORDER BY a.raised_at DESC LIMIT 50;
SELECT count(*) FROM alarms WHERE cleared_at IS NULL AND severity >= 3;
