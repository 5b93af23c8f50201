SELECT w.id, w.target_id, w.database_name, w.pattern_type, w.pattern_key, w.pattern_metadata,
       (extract(epoch FROM w.detection_timestamp) * 1000000)::bigint, w.description, w.affected_query_count
FROM fettle.workload_patterns w
WHERE ($1::bigint IS NULL OR w.target_id = $1::bigint) AND ($2::text IS NULL OR w.database_name = $2::text)
  AND ($3::text IS NULL OR w.pattern_type = $3::text)
ORDER BY w.detection_timestamp DESC, w.id
LIMIT $4::bigint
