-- name: index_place
-- versions: 13-
select case when inet_server_addr() is null then (select setting from pg_settings where name = 'data_directory') end,
       coalesce(nullif(pg_tablespace_location((select dattablespace from pg_database where datname = current_database())), ''), '')
