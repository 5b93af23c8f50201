SELECT t.database_id, t.starts_at, t.collected_at, t.interval_ms, t.flags
FROM fettle.sample_times t
WHERE t.target_id = $1::bigint AND t.database_id = ANY ($2::integer[]) AND t.starts_at = ANY ($3::timestamptz[])
  AND t.starts_at >= $4::timestamptz AND t.starts_at <= $5::timestamptz
ORDER BY t.database_id, t.starts_at
