-- What a role sees of a server; nothing here needs a right of its own.
SELECT current_setting('server_version') AS server_version,
       current_database() AS database,
       current_user AS user_name,
       pg_is_in_recovery() AS is_standby,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_tls,
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS reads_statistics,
       pg_has_role(current_user, 'pg_read_all_settings', 'USAGE') AS reads_settings,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS has_statements,
       (SELECT quote_ident(n.nspname) || '.pg_stat_statements' FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
         WHERE e.extname = 'pg_stat_statements') AS statements_view,
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pgstattuple') AS has_pgstattuple,
       current_setting('track_io_timing') = 'on' AS tracks_io,
       current_setting('track_activities') = 'on' AS tracks_activities,
       coalesce(current_setting('compute_query_id', true), 'auto') <> 'off' AS computes_query_id
