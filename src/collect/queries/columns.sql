-- name: columns
-- versions: 13-
select c.relname || '.' || a.attname
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where (n.nspname = 'pg_catalog'
       and c.relname in ('pg_stat_activity', 'pg_stat_bgwriter', 'pg_stat_checkpointer', 'pg_stat_wal', 'pg_replication_slots'))
   or (c.relname in ('pg_stat_statements', 'pg_stat_statements_info')
       and n.oid = (select extnamespace from pg_extension where extname = 'pg_stat_statements'))
union all
select p.proname || '.' || unnest(p.proargnames)
from pg_proc p
where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = 'pg_stat_get_activity'
