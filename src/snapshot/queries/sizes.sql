-- name: sizes
-- versions: 13-
with own as materialized (
  select c.oid as id, c.relkind, c.reltoastrelid, pg_relation_size(c.oid) as bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm', 'i') and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
)
select o.id, o.bytes / current_setting('block_size')::bigint as size_blocks,
       case when o.relkind <> 'i' then o.bytes + coalesce(pg_relation_size(nullif(o.reltoastrelid, 0)), 0) + coalesce(x.bytes, 0) end as total_bytes
from own o
     left join (select i.indrelid, sum(o.bytes)::bigint as bytes from pg_index i join own o on o.id = i.indexrelid group by i.indrelid) x
       on x.indrelid = o.id
order by o.id
