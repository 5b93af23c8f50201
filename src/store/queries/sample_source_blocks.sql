-- The bounds of time choose the partitions, also when the plan is made before the times are known.
SELECT b.statement_id, b.starts_at, b.data
FROM fettle.sample_blocks b
WHERE b.target_id = $1::bigint AND b.starts_at = ANY ($2::timestamptz[]) AND b.starts_at >= $3::timestamptz
  AND b.starts_at <= $4::timestamptz AND b.statement_id >= $5::integer AND b.statement_id <= $6::integer
  AND ($7::integer[] IS NULL OR b.statement_id = ANY ($7::integer[]))
ORDER BY b.statement_id, b.starts_at
