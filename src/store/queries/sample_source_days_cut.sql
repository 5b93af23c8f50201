SELECT d.statement_id, d.day, d.data
FROM fettle.sample_days d
WHERE d.target_id = $1::bigint AND d.day = ANY ($2::date[]) AND ($3::text IS NULL OR d.statement_id = ANY ($3::integer[]))
ORDER BY d.statement_id, d.day
