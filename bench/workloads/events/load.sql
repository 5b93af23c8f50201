-- SPDX-License-Identifier: PostgreSQL
-- Fills the measurements. psql variable "scale": 1 makes about 700 MB. The same scale and "seed" (0 to 1) always give the same rows.
\if :{?scale}
\else
\set scale 1
\endif
\if :{?seed}
\else
\set seed 0.23
\endif
SELECT greatest(20, ceil(200 * :scale))::int AS sites, ceil(5000 * :scale)::int AS devices, ceil(6000000 * :scale)::int AS readings,
       ceil(300000 * :scale)::int AS alarms, ceil(1000000 * :scale)::int AS views \gset
SET session_replication_role = replica;
SET timezone = 'UTC';
SELECT setseed(:seed) AS seeded \gset
INSERT INTO sites
SELECT n, 'Site ' || n, (ARRAY['DE', 'FR', 'US', 'GB'])[1 + n % 4], '10.0.0.0'::inet + n * 256 FROM generate_series(1, :sites) n;
INSERT INTO devices
SELECT n, 1 + n % :sites, 'M' || n % 12, 'SN-' || md5(n::text), '1.' || n % 7, CASE WHEN n % 30 = 0 THEN timestamptz '2026-05-01 00:00+00' END
FROM generate_series(1, :devices) n;
-- In order of time, with some seconds of disorder; few readings are bad.
INSERT INTO readings
SELECT timestamptz '2026-04-01 00:00+00' + n * (interval '90 days' / :readings) + random() * interval '20 seconds',
       1 + floor(:devices * random())::int, n % 6, 20 + 10 * sin(n / 10000.0) + random(), CASE WHEN n % 500 = 0 THEN 1 ELSE 0 END
FROM generate_series(1, :readings) n;
INSERT INTO alarms (device_id, raised_at, cleared_at, severity, during, message)
SELECT 1 + floor(:devices * random() ^ 2)::int, at, CASE WHEN n % 100 <> 0 THEN at + pause END, 1 + (3 * random() ^ 3)::int,
       tstzrange(at, CASE WHEN n % 100 <> 0 THEN at + pause END), 'alarm ' || (ARRAY['overheat', 'offline', 'voltage', 'pressure'])[1 + n % 4]
FROM (SELECT n, timestamptz '2026-04-01 00:00+00' + n * (interval '90 days' / :alarms) AS at, random() * interval '6 hours' AS pause
      FROM generate_series(1, :alarms) n) s;
INSERT INTO page_views
SELECT timestamptz '2026-06-01 00:00+00' + n * (interval '29 days' / :views), md5('v' || n / 6)::uuid, '/page/' || floor(2000 * random() ^ 2)::int,
       CASE WHEN n % 3 = 0 THEN 'https://search.example/' END,
       jsonb_build_object('campaign', 'c' || n * 13 % 900, 'device', (ARRAY['phone', 'desktop', 'tablet'])[1 + n % 3])
FROM generate_series(1, :views) n;
VACUUM (ANALYZE) sites, devices, readings, alarms, page_views;
