-- name: statistics_rights
-- versions: 13-
with relation as (
  select n.nspname, not has_table_privilege(c.oid, 'select') or not has_schema_privilege(n.oid, 'usage') as is_hidden,
         row_security_active(c.oid) as is_secured
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and c.reltuples > 0 and n.nspname not in ('pg_catalog', 'information_schema')
    and n.nspname !~ '^pg_(toast|temp)'
)
select has_table_privilege('pg_statistic', 'select') as is_full,
       coalesce((select has_function_privilege(p.oid, 'execute') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                 where n.nspname = 'fettle' and p.proname = 'column_statistics' and p.pronargs = 0
                   and has_schema_privilege(n.oid, 'usage')), false) as has_function,
       (select count(*) from relation where is_hidden) as relations_hidden,
       (select count(*) from relation where is_secured) as relations_secured,
       (select string_agg(distinct quote_ident(nspname), ', ') from relation where is_hidden) as schemas_hidden
