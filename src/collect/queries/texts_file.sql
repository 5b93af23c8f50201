-- name: texts_file
-- versions: 13-
select size from pg_stat_file('pg_stat_tmp/pgss_query_texts.stat', true)
