-- name: extensions
-- versions: 13-
select e.oid as id, e.extname as name, e.extversion as version, n.nspname as schema
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname <> 'plpgsql'
order by e.oid
