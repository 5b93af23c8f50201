SELECT b.statement_id, b.starts_at, b.data
FROM fettle.sample_blocks b
WHERE b.target_id = $1::bigint AND b.database_id = $2::integer AND b.starts_at >= $3::timestamptz
  AND b.starts_at < $3::timestamptz + interval '24 hours'
ORDER BY b.statement_id, b.starts_at
