-- name: index_backend
-- versions: 13-
select 1 from pg_stat_activity
where pid = $1::int4 and application_name = $2::text and state is distinct from 'idle'
  -- numbers of processes come again
  and ($3::bigint is null or abs(extract(epoch from backend_start) * 1000000 - $3::bigint) < 1000000)
