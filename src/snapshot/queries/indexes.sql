-- name: indexes
-- versions: 13-
select i.indexrelid as id, i.indrelid as relation_id, n.nspname as schema, c.relname as name, am.amname as method,
       pg_get_indexdef(i.indexrelid) as definition, pg_get_expr(i.indpred, i.indrelid) as predicate,
       array_to_string(c.reloptions, ', ') as options, i.indisunique as is_unique,
       coalesce(to_jsonb(i) ->> 'indnullsnotdistinct', 'false') as is_nulls_not_distinct,
       i.indisprimary as is_primary, i.indisexclusion as is_exclusion, i.indisvalid as is_valid, i.indisready as is_ready,
       i.indisreplident as is_replica_identity, i.indisclustered as is_clustered, c.relkind = 'I' as is_partitioned,
       (select co.oid from pg_constraint co where co.conindid = i.indexrelid and co.conrelid = i.indrelid
        and co.contype in ('p', 'u', 'x') limit 1) as constraint_id,
       (select d.refobjid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
        and d.refclassid = 'pg_extension'::regclass and d.deptype in ('e', 'x') limit 1) as extension_id,
       c.relpages, c.reltuples
from pg_index i
     join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace
     join pg_am am on am.oid = c.relam
where c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by i.indexrelid
