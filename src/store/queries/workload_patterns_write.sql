WITH found AS (
    SELECT * FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[])
        WITH ORDINALITY f(target_id, database_name, pattern_type, pattern_key, pattern_metadata, description, affected_query_count, place)
), gone AS (
    DELETE FROM fettle.workload_patterns w
    WHERE w.target_id = ANY ($1::bigint[]) AND ($2::text IS NULL OR w.database_name = $2::text)
      AND NOT EXISTS (SELECT FROM found f WHERE f.target_id = w.target_id AND f.database_name = w.database_name
                                            AND f.pattern_type = w.pattern_type AND f.pattern_key = w.pattern_key))
INSERT INTO fettle.workload_patterns (target_id, database_name, pattern_type, pattern_key, pattern_metadata, detection_timestamp,
                                      description, affected_query_count)
SELECT f.target_id, f.database_name, f.pattern_type, f.pattern_key, f.pattern_metadata::jsonb, now(), f.description,
       least(f.affected_query_count, 2147483647)::integer
FROM found f
WHERE EXISTS (SELECT FROM fettle.targets t WHERE t.target_id = f.target_id)
ORDER BY f.place
ON CONFLICT (target_id, database_name, pattern_type, pattern_key) DO UPDATE
SET pattern_metadata = excluded.pattern_metadata, detection_timestamp = excluded.detection_timestamp,
    description = excluded.description, affected_query_count = excluded.affected_query_count
