SELECT s.statement_id, s.database_id, s.query_hash
FROM fettle.statements s
JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
WHERE s.target_id = $1::bigint AND ($2::text IS NULL OR d.database_name = $2::text)
  AND ($3::bigint = 0 OR s.query_hash = $3::bigint)
  AND ($4::bigint[] IS NULL OR s.query_hash = ANY ($4::bigint[]))
ORDER BY s.statement_id
