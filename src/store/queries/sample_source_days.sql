SELECT d.statement_id, d.day, d.data
FROM fettle.sample_days d
WHERE d.target_id = $1::bigint AND d.day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
  AND d.day <= ($3::timestamptz AT TIME ZONE 'UTC')::date AND d.statement_id >= $4::integer AND d.statement_id <= $5::integer
  AND ($6::integer[] IS NULL OR d.statement_id = ANY ($6::integer[]))
ORDER BY d.statement_id, d.day
