-- name: metrics
-- versions: 13-
select a.connections, a.connections_active, a.connections_idle, a.connections_idle_in_transaction, a.connections_waiting,
       current_setting('max_connections')::float8 as connections_most, a.transaction_age_seconds,
       l.locks, l.locks_waited_for,
       d.commits, d.rollbacks, d.deadlocks, d.blocks_hit, d.blocks_read, d.rows_returned, d.rows_fetched, d.rows_inserted,
       d.rows_updated, d.rows_deleted, d.temp_files, d.temp_bytes,
       @wal_bytes@ as wal_bytes,
       c.checkpoints_timed, c.checkpoints_requested, c.checkpoint_write_ms, c.buffers_checkpoint, w.buffers_clean, w.buffers_alloc as buffers_allocated,
       r.replicas, r.replica_lag_bytes,
       case when pg_is_in_recovery() then greatest(0, date_part('epoch', now() - pg_last_xact_replay_timestamp())) end as replay_lag_seconds,
       s.slot_bytes, t.transaction_id_age
from (select count(*) as connections,
             count(*) filter (where state = 'active') as connections_active,
             count(*) filter (where state = 'idle') as connections_idle,
             count(*) filter (where state like 'idle in transaction%') as connections_idle_in_transaction,
             count(*) filter (where wait_event_type = 'Lock') as connections_waiting,
             coalesce(max(date_part('epoch', clock_timestamp() - xact_start)), 0) as transaction_age_seconds
      from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()) a
     cross join (select count(*) filter (where granted) as locks, count(*) filter (where not granted) as locks_waited_for
                 from pg_locks where pid is distinct from pg_backend_pid()) l
     cross join (select sum(xact_commit) as commits, sum(xact_rollback) as rollbacks, sum(deadlocks) as deadlocks,
                        sum(blks_hit) as blocks_hit, sum(blks_read) as blocks_read, sum(tup_returned) as rows_returned,
                        sum(tup_fetched) as rows_fetched, sum(tup_inserted) as rows_inserted, sum(tup_updated) as rows_updated,
                        sum(tup_deleted) as rows_deleted, sum(temp_files) as temp_files, sum(temp_bytes) as temp_bytes
                 from pg_stat_database) d
     cross join (@checkpoints@) c
     cross join (select buffers_clean, buffers_alloc from pg_stat_bgwriter) w
     cross join (select count(*) filter (where state = 'streaming') as replicas,
                        max(pg_wal_lsn_diff(@here@, replay_lsn)) as replica_lag_bytes
                 from pg_stat_replication) r
     cross join (select max(pg_wal_lsn_diff(@here@, restart_lsn)) as slot_bytes from pg_replication_slots) s
     cross join (select max(age(datfrozenxid)) as transaction_id_age from pg_database) t
