-- Another change of the table whose measurement is not over: the gains of the two could not be told apart.
SELECT i.id, i.recommendation_id
  FROM fettle.optimization_implementations i JOIN fettle.index_changes c ON c.id = i.index_change_id
 WHERE c.target_id = $1::bigint AND c.database_name = $2 AND c.schema_name = $3 AND c.table_name = $4 AND i.status = 'pending'
   AND i.implementation_timestamp > now() - interval '48 hours'
 LIMIT 1
