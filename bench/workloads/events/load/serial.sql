\set d random(1, :devices)
SELECT id, site_id, model, firmware FROM devices WHERE serial = 'SN-' || md5((:d)::text);
SELECT id, serial FROM devices WHERE site_id = 1 + :d % :sites AND retired_at IS NULL ORDER BY serial LIMIT 50;
