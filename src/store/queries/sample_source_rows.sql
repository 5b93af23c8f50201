SELECT r.statement_id, r.collected_at, round(r.interval_seconds * 1000)::bigint, r.calls,
       coalesce(r."rows", 0), round(coalesce(r.total_exec_time_ms, 0) * 1000)::bigint, round(coalesce(r.stddev_exec_time_ms, 0) * 1000)::bigint,
       round(coalesce(r.plan_time_ms, 0) * 1000)::bigint, coalesce(r.shared_blks_hit, 0), coalesce(r.shared_blks_read, 0),
       coalesce(r.shared_blks_dirtied, 0), coalesce(r.shared_blks_written, 0), coalesce(r.local_blks_hit, 0),
       coalesce(r.local_blks_read, 0), coalesce(r.local_blks_dirtied, 0), coalesce(r.local_blks_written, 0),
       coalesce(r.temp_blks_read, 0), coalesce(r.temp_blks_written, 0), round(coalesce(r.blk_read_time_ms, 0) * 1000)::bigint,
       round(coalesce(r.blk_write_time_ms, 0) * 1000)::bigint, coalesce(r.wal_records, 0), coalesce(r.wal_fpi, 0),
       coalesce(r.wal_bytes, 0)
FROM fettle.sample_rows r
WHERE r.target_id = $1::bigint AND r.collected_at >= $2::timestamptz AND r.collected_at < $3::timestamptz
  AND r.statement_id >= $4::integer AND r.statement_id <= $5::integer
  AND ($6::integer[] IS NULL OR r.statement_id = ANY ($6::integer[]))
ORDER BY r.statement_id, r.collected_at
