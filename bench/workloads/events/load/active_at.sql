\set n random(0, 2000)
SELECT id, device_id, severity FROM alarms WHERE during @> (timestamptz '2026-04-02 00:00+00' + :n * interval '1 hour') ORDER BY severity DESC LIMIT 40;
