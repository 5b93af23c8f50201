-- name: role
-- versions: 13-
select rolname from pg_roles where rolname = $1
