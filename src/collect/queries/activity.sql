-- name: activity
-- versions: 13-
select datid, usesysid, @query_id@, state, wait_event_type, wait_event
from @activity@
where state <> 'idle' and pid <> pg_backend_pid() and backend_type in ('client backend', 'parallel worker', 'autovacuum worker')
limit 20000
