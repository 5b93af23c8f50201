\set n random(0, 27)
SELECT path, count(*) FROM page_views WHERE at >= timestamptz '2026-06-01 00:00+00' + :n * interval '1 day' AND at < timestamptz '2026-06-02 00:00+00' + :n * interval '1 day' GROUP BY path ORDER BY 2 DESC LIMIT 20;
