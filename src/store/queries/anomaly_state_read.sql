SELECT (SELECT (extract(epoch FROM min(r.collected_at)) * 1000000)::bigint FROM fettle.metric_rounds r
         WHERE r.target_id = $1::bigint AND r.collected_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'),
       s.step_ms, (extract(epoch FROM s.evaluated_to) * 1000000)::bigint, (extract(epoch FROM s.baselines_at) * 1000000)::bigint,
       s.baseline_points
FROM (SELECT 1) one
LEFT JOIN fettle.anomaly_states s ON s.target_id = $1::bigint
