-- name: state
-- versions: 13-
select date_part('epoch', clock_timestamp()), date_part('epoch', pg_postmaster_start_time()), null::float8, null::bigint,
       d.oid, d.datname, case when $1::text[] is null then not d.datistemplate else d.datname = any ($1::text[]) end,
       d.datallowconn and has_database_privilege(d.oid, 'connect')
from pg_database d
order by d.oid
limit 1000
