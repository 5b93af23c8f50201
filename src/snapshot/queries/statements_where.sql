-- name: statements_where
-- versions: 13-
select e.schema, coalesce(e.is_usable, false) as is_usable,
       pg_has_role(current_user, 'pg_read_all_stats',
                   case when current_setting('server_version_num')::int >= 150000 then 'usage' else 'member' end) as sees_all,
       coalesce(e.is_selectable, false) as is_selectable,
       current_setting('pg_stat_statements.max', true) is not null as is_loaded
from (select) one
     left join (
       select quote_ident(n.nspname) as schema, has_schema_privilege(n.oid, 'usage') as is_usable,
              (select has_table_privilege(c.oid, 'select') from pg_class c
               where c.relnamespace = n.oid and c.relname = 'pg_stat_statements') as is_selectable
       from pg_extension e join pg_namespace n on n.oid = e.extnamespace
       where e.extname = 'pg_stat_statements') e on true
