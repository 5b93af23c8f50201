SELECT DISTINCT r.database_id
FROM fettle.sample_rounds r
WHERE r.target_id = $1::bigint AND r.collected_at >= $2::timestamptz AND r.collected_at < $3::timestamptz
ORDER BY 1
