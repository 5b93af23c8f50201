SELECT d.database_id, (extract(epoch FROM d.day) * 1000000)::bigint
FROM fettle.sample_days_open d
WHERE d.target_id = $1::bigint AND d.day < ($2::timestamptz AT TIME ZONE 'UTC')::date
ORDER BY d.day, d.database_id
