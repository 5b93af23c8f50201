-- What is not known (NULL) never takes the place of what is.
INSERT INTO fettle.statements AS s (target_id, statement_id, database_id, user_name, user_oid, queryid, query_hash, is_toplevel,
                                    fingerprint_hash, query_text)
SELECT n.target_id, n.statement_id, n.database_id, n.user_name, n.user_oid, n.queryid, n.query_hash, n.is_toplevel, n.fingerprint_hash,
       n.query_text
FROM pg_temp.statements_staging n
ON CONFLICT (target_id, statement_id) DO UPDATE
SET user_name = coalesce(excluded.user_name, s.user_name), fingerprint_hash = coalesce(excluded.fingerprint_hash, s.fingerprint_hash),
    query_text = coalesce(excluded.query_text, s.query_text), last_seen = greatest(s.last_seen, excluded.last_seen)
