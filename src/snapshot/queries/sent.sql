-- name: sent
-- versions: 13
select a.pid, (extract(epoch from a.query_start) * 1000000)::bigint as started_us, a.query as text, null as query_id,
       (extract(epoch from statement_timestamp()) * 1000000)::bigint as looked_us
from pg_stat_activity a
where a.datname = current_database() and a.backend_type = 'client backend' and a.pid <> pg_backend_pid()
      and coalesce(a.application_name, '') not like 'fettle%'
      and a.query <> '' and a.query <> '<insufficient privilege>' and octet_length(a.query) < $2::bigint
      and (extract(epoch from a.query_start) * 1000000)::bigint >= $1::bigint
order by a.query_start desc, a.pid
limit 200
