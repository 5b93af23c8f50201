-- The suggestion that a recommendation was made of, as one object; no row when it is gone or the recommendation was entered by hand.
SELECT s.suggestion || (SELECT coalesce(jsonb_object_agg(e.key, fettle.utc_text(e.value::timestamptz)), '{}')
                          FROM jsonb_each_text(s.suggestion) e
                         WHERE e.key IN ('created_at', 'updated_at', 'detection_timestamp', 'applied_at', 'last_used_at') AND e.value IS NOT NULL)
  FROM (SELECT to_jsonb(w) AS suggestion FROM fettle.query_rewrite_suggestions w WHERE $1 = 'rewrite' AND w.id = $2::bigint AND w.target_id = $3::bigint
        UNION ALL
        SELECT to_jsonb(p) FROM fettle.parameter_tuning_suggestions p WHERE $1 = 'parameter' AND p.id = $2::bigint AND p.target_id = $3::bigint
        UNION ALL
        SELECT to_jsonb(k) FROM fettle.workload_patterns k WHERE $1 = 'workload' AND k.id = $2::bigint AND k.target_id = $3::bigint
        UNION ALL
        SELECT to_jsonb(x) FROM fettle.index_recommendations x WHERE $1 = 'index' AND x.id = $2::bigint AND x.target_id = $3::bigint) s
