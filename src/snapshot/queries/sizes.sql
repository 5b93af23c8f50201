-- name: sizes
-- versions: 13-
select c.oid as id, pg_relation_size(c.oid) / current_setting('block_size')::bigint as size_blocks,
       case when c.relkind in ('r', 'm') then pg_total_relation_size(c.oid) end as total_bytes
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
  and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by c.oid
