-- name: statistics_rights
-- versions: 13-
select has_table_privilege('pg_statistic', 'select') as is_full,
       coalesce((select has_function_privilege(p.oid, 'execute') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                 where n.nspname = 'fettle' and p.proname = 'column_statistics' and p.pronargs = 0
                   and has_schema_privilege(n.oid, 'usage')), false) as has_function,
       (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'm') and c.reltuples > 0 and n.nspname not in ('pg_catalog', 'information_schema')
          and n.nspname !~ '^pg_(toast|temp)' and not has_table_privilege(c.oid, 'select')) as relations_hidden
