-- name: users
-- versions: 13-
select oid, rolname from pg_roles order by oid limit 100000
