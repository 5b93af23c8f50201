SELECT kind, count(*), count(DISTINCT session) FROM events WHERE created_at >= timestamptz '2026-06-24 00:00+00' GROUP BY kind ORDER BY 2 DESC;
