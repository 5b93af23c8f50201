INSERT INTO fettle.query_fingerprints AS f (target_id, fingerprint_hash, database_name, normalized_text, sample_query_text)
SELECT DISTINCT ON (n.fingerprint_hash, d.database_name) n.target_id, n.fingerprint_hash, d.database_name, n.query_text, n.query_text
FROM pg_temp.statements_staging n
JOIN fettle.databases d ON d.target_id = n.target_id AND d.database_id = n.database_id
WHERE n.fingerprint_hash IS NOT NULL AND n.query_text IS NOT NULL
ORDER BY n.fingerprint_hash, d.database_name, n.statement_id
ON CONFLICT (target_id, fingerprint_hash, database_name) DO UPDATE SET last_seen = greatest(f.last_seen, excluded.last_seen)
