SELECT DISTINCT (floor(extract(epoch FROM r.collected_at) / 14400) * 14400000000)::bigint AS starts_us
FROM fettle.sample_rounds r
WHERE r.target_id = $1::bigint AND r.collected_at < $2::timestamptz
ORDER BY 1
