-- The newest plans. Those that are too long are left out of their rows, and so is what makes all of them too much together; only what is
-- read is written out.
SELECT target_id, database_name, query_hash, coalesce(query_fingerprint_hash, 0), (date_part('epoch', collected_at) * 1000000)::bigint,
       coalesce(plan_hash, 0), CASE WHEN fits AND json_bytes <= $4::bigint THEN plan_json::text END,
       CASE WHEN fits AND text_bytes <= $4::bigint THEN plan_text END, rows_expected, cost, has_seq_scan, has_index_scan, has_bitmap_scan,
       has_nested_loop, change_cause
  FROM (SELECT s.*, sum(CASE WHEN json_bytes <= $4::bigint THEN json_bytes ELSE 0 END + CASE WHEN text_bytes <= $4::bigint THEN text_bytes ELSE 0 END)
                    OVER (ORDER BY collected_at DESC, id DESC) <= $5::bigint AS fits
          FROM (SELECT p.*, octet_length(p.plan_json::text) AS json_bytes, octet_length(p.plan_text) AS text_bytes
                  FROM (SELECT *
                          FROM fettle.explain_plans
                         WHERE target_id = $1::bigint AND ($2::bigint = 0 OR query_hash = $2::bigint)
                         ORDER BY collected_at DESC, id DESC
                         LIMIT $3::bigint) p) s) f
 ORDER BY collected_at DESC, id DESC
