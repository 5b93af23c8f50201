SELECT d.database_id, d.day, d.observed_ms, d.flags
FROM fettle.sample_day_times d
WHERE d.target_id = $1::bigint AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND d.day <= ($3::timestamptz AT TIME ZONE 'UTC')::date AND d.database_id = ANY ($4::integer[])
ORDER BY d.database_id, d.day
