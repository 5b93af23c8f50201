SELECT s.statement_id, s.database_id, s.user_name, s.user_oid::bigint, s.queryid, s.query_hash, s.is_toplevel, s.fingerprint_hash,
       CASE WHEN $2::boolean THEN s.query_text END
FROM fettle.statements s
WHERE s.target_id = $1::bigint
ORDER BY s.statement_id
