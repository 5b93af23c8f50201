-- name: state_with_info
-- versions: 13-
select date_part('epoch', clock_timestamp()), date_part('epoch', pg_postmaster_start_time()),
       date_part('epoch', i.stats_reset), i.dealloc,
       d.oid, d.datname, case when $1::text[] is null then not d.datistemplate else d.datname = any ($1::text[]) end,
       d.datallowconn and has_database_privilege(d.oid, 'connect')
from pg_database d cross join @schema@.pg_stat_statements_info i
order by d.oid
limit 1000
