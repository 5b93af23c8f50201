-- name: index_definitions
-- versions: 13-
select n.nspname, c.relname, pg_get_indexdef(i.indexrelid)
from pg_index i
     join pg_class c on c.oid = i.indexrelid
     join pg_namespace n on n.oid = c.relnamespace
where i.indrelid = $1::oid and i.indisvalid
order by i.indexrelid
