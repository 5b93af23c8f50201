\set d random(1, :devices)
\set s random(1, :sites)
SELECT id, site_id, model, firmware FROM devices WHERE serial = 'SN-' || md5((:d)::text);
SELECT id, serial FROM devices WHERE site_id = :s AND retired_at IS NULL ORDER BY serial LIMIT 50;
