\set c random(0, 899)
SELECT count(*), count(DISTINCT session) FROM page_views WHERE properties ->> 'campaign' = 'c' || :c;
SELECT path, count(*) FROM page_views WHERE properties @> jsonb_build_object('campaign', 'c' || :c) GROUP BY path ORDER BY 2 DESC LIMIT 10;
