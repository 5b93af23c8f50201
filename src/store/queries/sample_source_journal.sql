SELECT r.database_id, r.collected_at, r.data
FROM fettle.sample_rounds r
WHERE r.target_id = $1::bigint AND r.database_id = ANY ($2::integer[]) AND r.collected_at >= $3::timestamptz
  AND r.collected_at < $4::timestamptz
ORDER BY r.database_id, r.collected_at
