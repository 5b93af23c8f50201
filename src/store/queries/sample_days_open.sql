SELECT d.database_id, d.day
FROM fettle.sample_days_open d
WHERE d.target_id = $1::bigint AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND d.day <= ($3::timestamptz AT TIME ZONE 'UTC')::date AND d.database_id = ANY ($4::integer[])
ORDER BY d.day, d.database_id
