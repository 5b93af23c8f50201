SELECT target_id, database_name, query_hash, coalesce(query_fingerprint_hash, 0), (date_part('epoch', collected_at) * 1000000)::bigint,
       coalesce(plan_hash, 0), CASE WHEN octet_length(plan_json::text) <= $4::bigint THEN plan_json::text END,
       CASE WHEN octet_length(plan_text) <= $4::bigint THEN plan_text END, rows_expected, cost, has_seq_scan, has_index_scan, has_bitmap_scan,
       has_nested_loop, change_cause
  FROM fettle.explain_plans
 WHERE target_id = $1::bigint AND ($2::bigint = 0 OR query_hash = $2::bigint)
 ORDER BY collected_at DESC, id DESC
 LIMIT $3::bigint
