INSERT INTO fettle.explain_plans (target_id, database_name, query_hash, query_fingerprint_hash, collected_at, plan_hash, plan_json,
                                  plan_text, rows_expected, cost, has_seq_scan, has_index_scan, has_bitmap_scan, has_nested_loop,
                                  change_cause)
SELECT $1::bigint, $2::text, $3::bigint, nullif($4::bigint, 0), timestamptz 'epoch' + $5::bigint * interval '1 microsecond',
       $6::bigint, $7::jsonb, $8::text, $9::float8, $10::float8, $11::boolean, $12::boolean, $13::boolean, $14::boolean,
       CASE WHEN newest.plan_hash IS NOT NULL THEN $15::text END
  FROM (VALUES (1)) AS one (row)
  LEFT JOIN LATERAL (SELECT plan_hash
                       FROM fettle.explain_plans
                      WHERE target_id = $1::bigint AND query_hash = $3::bigint AND database_name IS NOT DISTINCT FROM $2::text
                      ORDER BY collected_at DESC, id DESC
                      LIMIT 1) newest ON true
 WHERE newest.plan_hash IS DISTINCT FROM $6::bigint
RETURNING id
