-- name: texts_size
-- versions: 13-
select sum(octet_length(query)) from @schema@.pg_stat_statements(true)
