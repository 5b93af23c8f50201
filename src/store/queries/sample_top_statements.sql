-- The statements in the order of $2; the texts of the first ones that are together at most $3 bytes long.
SELECT s.statement_id, s.queryid, s.fingerprint_hash, d.database_name, s.user_name,
       CASE WHEN s.bytes <= $3::bigint THEN s.query_text END,
       (extract(epoch FROM s.first_seen) * 1000000)::bigint, (extract(epoch FROM s.last_seen) * 1000000)::bigint,
       s.query_text IS NOT NULL AND s.bytes > $3::bigint
FROM (SELECT n.*, k.place, sum(octet_length(n.query_text)) OVER (ORDER BY k.place) AS bytes
      FROM unnest($2::integer[]) WITH ORDINALITY AS k (statement_id, place)
      JOIN fettle.statements n ON n.target_id = $1::bigint AND n.statement_id = k.statement_id) s
JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
ORDER BY s.place
