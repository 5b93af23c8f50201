-- name: heights_where
-- versions: 13-
select quote_ident(n.nspname) as schema
from pg_extension e join pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pageinspect'
  and exists (select from pg_proc p where p.pronamespace = n.oid and p.proname = 'bt_metap'
              and has_function_privilege(p.oid, 'execute'))
