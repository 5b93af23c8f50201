-- name: relations
-- versions: 13-
select c.oid, coalesce(i.indrelid, (select o.oid from pg_class o where c.relkind = 't' and o.reltoastrelid = c.oid), c.oid),
       n.nspname, c.relname, c.relkind, c.relpages::bigint * current_setting('block_size')::bigint,
       case when c.reltuples < 0 or c.relkind = 'p' then -1 else c.reltuples end,
       pg_stat_get_numscans(c.oid), pg_stat_get_tuples_returned(c.oid), pg_stat_get_tuples_inserted(c.oid),
       pg_stat_get_tuples_updated(c.oid), pg_stat_get_tuples_hot_updated(c.oid), pg_stat_get_tuples_deleted(c.oid),
       pg_stat_get_live_tuples(c.oid), pg_stat_get_dead_tuples(c.oid), pg_stat_get_blocks_hit(c.oid),
       pg_stat_get_blocks_fetched(c.oid) - pg_stat_get_blocks_hit(c.oid),
       date_part('epoch', greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))),
       date_part('epoch', greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))),
       (select date_part('epoch', stats_reset) from pg_stat_database where datname = current_database())
from pg_class c
     join pg_namespace n on n.oid = c.relnamespace
     left join pg_index i on i.indexrelid = c.oid
where c.relkind in ('r', 'm', 't', 'i', 'p') and c.relpersistence <> 't' and not (c.relkind = 'i' and n.nspname = 'pg_toast')
  and c.oid >= 16384 and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast_)?temp'
order by c.relpages desc, c.oid
limit 50001
