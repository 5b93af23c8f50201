DELETE FROM fettle.sample_rounds r
WHERE r.target_id = $1::bigint AND r.database_id = $2::integer AND r.collected_at >= $3::timestamptz
  AND r.collected_at < $4::timestamptz AND r.collected_at = ANY ($5::timestamptz[])
