-- name: statistics_used
-- versions: 13-
DROP TABLE IF EXISTS pg_temp.fettle_used;
CREATE TEMPORARY TABLE fettle_used USING heap AS
SELECT DISTINCT a.atttypid AS type_id
FROM pg_temp.fettle_statistics s JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relation_id AND a.attnum = s.attnum;
