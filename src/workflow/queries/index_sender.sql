-- name: index_sender
-- versions: 13-
-- the checkpointer is as old as the server since its last start or crash; who is not told of it has the postmaster's start
select (extract(epoch from coalesce((select a.backend_start from pg_stat_activity a where a.backend_type = 'checkpointer'),
                                    pg_postmaster_start_time())) * 1000000)::bigint,
       (select (extract(epoch from a.backend_start) * 1000000)::bigint from pg_stat_activity a where a.pid = pg_backend_pid())
