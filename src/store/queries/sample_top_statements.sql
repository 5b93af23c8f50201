SELECT s.statement_id, s.queryid, s.fingerprint_hash, d.database_name, s.user_name, s.query_text,
       (extract(epoch FROM s.first_seen) * 1000000)::bigint, (extract(epoch FROM s.last_seen) * 1000000)::bigint
FROM fettle.statements s
JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
WHERE s.target_id = $1::bigint AND s.statement_id = ANY ($2::integer[])
ORDER BY s.statement_id
