-- name: statements_where
-- versions: 13-
select quote_ident(n.nspname) as schema, has_schema_privilege(n.oid, 'usage') as is_usable,
       pg_has_role(current_user, 'pg_read_all_stats', 'member') as sees_all
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'
