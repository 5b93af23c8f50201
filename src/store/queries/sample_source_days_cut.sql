SELECT d.statement_id, d.day, d.data
FROM fettle.sample_days d
WHERE d.target_id = $1::bigint AND d.day = ANY ($2::date[]) AND d.day >= ($3::timestamptz AT TIME ZONE 'UTC')::date
  AND d.day <= ($4::timestamptz AT TIME ZONE 'UTC')::date AND d.statement_id >= $5::integer AND d.statement_id <= $6::integer
  AND ($7::integer[] IS NULL OR d.statement_id = ANY ($7::integer[]))
ORDER BY d.statement_id, d.day
