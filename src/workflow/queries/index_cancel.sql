-- name: index_cancel
-- versions: 13-
select pg_cancel_backend(pid) from pg_stat_activity where pid = $1::int4 and application_name = $2::text
