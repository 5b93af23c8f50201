SELECT b.query_hash, b.metric_name, b.points, b.centres[$3::integer + 1], b.centres[$4::integer + 1], b.scale, b.tail_low, b.tail_high,
       CASE WHEN b.query_hash = 0 THEN b.centres::text END
FROM fettle.query_baselines b
WHERE b.target_id = $1::bigint AND b.step_ms = $2::bigint AND b.centres IS NOT NULL
