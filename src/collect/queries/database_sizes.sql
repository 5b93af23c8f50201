-- name: database_sizes
-- versions: 13-
select sum(pg_database_size(oid))
from pg_database
where has_database_privilege(oid, 'connect') or pg_has_role(current_user, 'pg_read_all_stats', 'member')
