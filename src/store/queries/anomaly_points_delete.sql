DELETE FROM fettle.anomaly_points p
WHERE p.target_id = $1::bigint AND (p.step_ms <> $2::bigint OR p.ended_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond')
