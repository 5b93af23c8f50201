\set d random(1, :devices)
\set n random(0, 60)
SELECT date_trunc('hour', at) AS hour, avg(value), max(value) FROM readings WHERE device_id = :d AND at >= timestamptz '2026-04-10 00:00+00' + :n * interval '1 day' AND at < timestamptz '2026-04-17 00:00+00' + :n * interval '1 day' GROUP BY 1 ORDER BY 1;
