-- One probe of the index per target, for the index is led by it.
SELECT t.target_id, t.name, s.statement_id, d.database_name, s.user_name, s.queryid, s.fingerprint_hash, s.is_toplevel,
       CASE WHEN $3::boolean THEN s.query_text END,
       (extract(epoch FROM s.first_seen) * 1000000)::bigint, (extract(epoch FROM s.last_seen) * 1000000)::bigint
  FROM fettle.targets t
  JOIN fettle.statements s ON s.target_id = t.target_id AND s.query_hash = $2::bigint
  LEFT JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
 WHERE $1::bigint IS NULL OR t.target_id = $1::bigint
 ORDER BY t.target_id, s.statement_id
 LIMIT 200
