-- name: statements
-- versions: 13-
select userid, dbid, queryid, @toplevel@, @since@, nullif(stddev_exec_time, 0), calls, nullif(rows, 0), total_exec_time, nullif(total_plan_time, 0),
       nullif(shared_blks_hit, 0), nullif(shared_blks_read, 0), nullif(shared_blks_dirtied, 0), nullif(shared_blks_written, 0),
       nullif(local_blks_hit, 0), nullif(local_blks_read, 0), nullif(local_blks_dirtied, 0), nullif(local_blks_written, 0),
       nullif(temp_blks_read, 0), nullif(temp_blks_written, 0), nullif(@read_time@, 0), nullif(@write_time@, 0),
       nullif(wal_records, 0), nullif(wal_fpi, 0), nullif(wal_bytes, 0)
from @schema@.pg_stat_statements(false)
where queryid <> 0 and ($1::text[] is null or dbid in (select oid from pg_database where datname = any ($1::text[])))
