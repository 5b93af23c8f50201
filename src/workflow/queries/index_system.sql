-- name: index_system
-- versions: 13-
select system_identifier from pg_control_system()
