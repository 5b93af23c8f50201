-- What was changed by Fettle, or with its knowledge, on a database meanwhile: tables (their indexes), and queries that were changed themselves
-- (a rewrite). What failed or was cancelled before it began left nothing.
SELECT DISTINCT c.schema_name, c.table_name, NULL::bigint AS query_hash
  FROM fettle.index_changes c
 WHERE c.target_id = $1::bigint AND c.database_name = $2 AND (c.state IN ('completed', 'running') OR c.started_at IS NOT NULL)
   AND coalesce(c.started_at, c.performed_at) <= to_timestamp($4::bigint / 1000000.0)
   AND (c.state IN ('pending', 'running') OR coalesce(c.completed_at, c.performed_at) >= to_timestamp($3::bigint / 1000000.0))
UNION ALL
SELECT DISTINCT NULL, NULL, i.query_hash
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
 WHERE r.target_id = $1::bigint AND i.index_change_id IS NULL AND i.query_hash IS NOT NULL AND i.status <> 'failed'
   AND greatest(i.implementation_timestamp, i.rolled_back_at) >= to_timestamp($3::bigint / 1000000.0)
   AND i.implementation_timestamp <= to_timestamp($4::bigint / 1000000.0)
 LIMIT $5::bigint
