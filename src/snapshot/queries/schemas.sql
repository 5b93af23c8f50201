-- name: schemas
-- versions: 13-
select oid as id, nspname as name, pg_get_userbyid(nspowner) as owner
from pg_namespace
where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'
order by oid
