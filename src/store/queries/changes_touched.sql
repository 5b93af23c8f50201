-- What was changed by Fettle, or with its knowledge, on a database meanwhile: tables (their indexes), and queries that were changed themselves
-- (a rewrite). What ended before its statement was sent left nothing: it has no started_at (index_change_not_begun). An index that a person
-- made by hand on a recommendation has no index change: its table is the recommendation's, as long as that is there.
SELECT c.schema_name, c.table_name, NULL::bigint AS query_hash
  FROM fettle.index_changes c
 WHERE c.target_id = $1::bigint AND c.database_name = $2 AND (c.state = 'completed' OR c.started_at IS NOT NULL)
   AND coalesce(c.started_at, c.performed_at) <= to_timestamp($4::bigint / 1000000.0)
   AND (c.state IN ('pending', 'running') OR coalesce(c.completed_at, c.performed_at) >= to_timestamp($3::bigint / 1000000.0))
UNION
SELECT x.schema_name, x.table_name, CASE WHEN x.id IS NULL THEN i.query_hash END
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
  LEFT JOIN fettle.index_recommendations x ON r.source_type = 'index' AND x.id = r.source_id AND x.target_id = r.target_id
 WHERE r.target_id = $1::bigint AND i.index_change_id IS NULL AND i.status <> 'failed'
   AND CASE WHEN x.id IS NULL THEN i.query_hash IS NOT NULL ELSE x.database_name = $2 END
   AND greatest(i.implementation_timestamp, i.rolled_back_at) >= to_timestamp($3::bigint / 1000000.0)
   AND i.implementation_timestamp <= to_timestamp($4::bigint / 1000000.0)
 LIMIT $5::bigint
