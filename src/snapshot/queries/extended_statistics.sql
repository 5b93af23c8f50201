-- name: extended_statistics
-- versions: 13-
select e.oid as id, e.stxrelid as relation_id, n.nspname as schema, e.stxname as name,
       pg_get_statisticsobjdef(e.oid) as definition, coalesce(e.stxstattarget, -1) as statistics_target,
       (select array_agg(a.attname order by k.position) from unnest(e.stxkeys) with ordinality as k (attnum, position)
        join pg_attribute a on a.attrelid = e.stxrelid and a.attnum = k.attnum)::text as keys
from pg_statistic_ext e join pg_namespace n on n.oid = e.stxnamespace
where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by e.oid
