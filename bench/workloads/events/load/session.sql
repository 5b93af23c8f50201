\set n random(1, :views)
SELECT at, path FROM page_views WHERE session = md5('v' || :n / 6)::uuid ORDER BY at;
