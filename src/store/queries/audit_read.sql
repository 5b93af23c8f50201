SELECT id, (extract(epoch FROM at) * 1000000)::bigint, actor, role, action, object, target_id, request_id, outcome, details
  FROM fettle.audit_log
 WHERE ($1::bigint IS NULL OR at >= to_timestamp($1::bigint / 1000000.0)) AND ($2::bigint IS NULL OR at < to_timestamp($2::bigint / 1000000.0))
   AND ($3::text IS NULL OR actor = $3::text) AND ($4::text IS NULL OR action = $4::text)
   AND ($5::bigint IS NULL OR target_id = $5::bigint) AND ($6::bigint IS NULL OR id < $6::bigint)
 ORDER BY id DESC
 LIMIT $7
