-- name: statements
-- versions: 13-
select userid, dbid, queryid, @toplevel@, @since@, stddev_exec_time, calls, rows, total_exec_time, total_plan_time,
       shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written,
       local_blks_hit, local_blks_read, local_blks_dirtied, local_blks_written, temp_blks_read, temp_blks_written,
       @read_time@, @write_time@, wal_records, wal_fpi, wal_bytes
from @schema@.pg_stat_statements(false)
where queryid <> 0 and ($1::text[] is null or dbid in (select oid from pg_database where datname = any ($1::text[])))
