-- name: activity
-- versions: 13-
select datid, usesysid, @query_id@, state, coalesce(wait_event_type, 'CPU'), coalesce(wait_event, ''), count(*)
from pg_stat_activity
where state <> 'idle' and pid <> pg_backend_pid() and backend_type in ('client backend', 'parallel worker', 'autovacuum worker')
group by 1, 2, 3, 4, 5, 6
order by 7 desc
limit 5000
