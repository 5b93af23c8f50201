SELECT b.statement_id, b.starts_at, b.data
FROM fettle.sample_blocks b
WHERE b.target_id = $1::bigint AND b.starts_at = ANY ($2::timestamptz[])
  AND ($3::text IS NULL OR b.statement_id = ANY ($3::integer[]))
ORDER BY b.statement_id, b.starts_at
