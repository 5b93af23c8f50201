-- name: texts
-- versions: 13-
select distinct on (dbid, queryid) dbid, queryid, left(query, 1048576)
from @schema@.pg_stat_statements(true)
where queryid = any ($1::bigint[])
order by dbid, queryid, query is null
