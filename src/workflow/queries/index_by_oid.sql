-- name: index_by_oid
-- versions: 13-
select n.nspname, c.relname, i.indisvalid
from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
where i.indexrelid = $1::oid
