-- name: server
-- versions: 13-
select current_setting('server_version'),
       coalesce(nullif(current_setting('pg_stat_statements.max', true), '')::bigint, 0),
       case when pg_has_role(current_user, 'pg_read_all_settings', 'member') then current_setting('data_directory') end,
       date_part('epoch', pg_postmaster_start_time()),
       has_function_privilege('pg_catalog.pg_stat_file(text, boolean)', 'execute'),
       (select quote_ident(n.nspname) from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'),
       (select has_schema_privilege(n.oid, 'usage') from pg_extension e join pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'pg_stat_statements'),
       current_setting('pg_stat_statements.max', true) is not null,
       pg_has_role(current_user, 'pg_read_all_stats', 'member'),
       (select quote_ident(n.nspname)
        from pg_extension e join pg_namespace n on n.oid = e.extnamespace
             join pg_proc p on p.pronamespace = n.oid and p.proname = 'pgstattuple_approx'
        where e.extname = 'pgstattuple' and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
        limit 1),
       pg_backend_pid()
