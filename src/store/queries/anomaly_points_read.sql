SELECT (extract(epoch FROM p.ended_at) * 1000000)::bigint, p.figures::text
FROM fettle.anomaly_points p
WHERE p.target_id = $1::bigint AND p.step_ms = $2::bigint
  AND p.ended_at >= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
  AND p.ended_at < timestamptz 'epoch' + $4::bigint * interval '1 microsecond'
ORDER BY p.ended_at
