INSERT INTO fettle.anomaly_states (target_id, step_ms, evaluated_to, baselines_at, baseline_points)
SELECT $1::bigint, $2::bigint, timestamptz 'epoch' + $3::bigint * interval '1 microsecond',
       timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::integer
ON CONFLICT (target_id) DO UPDATE
SET step_ms = excluded.step_ms, evaluated_to = excluded.evaluated_to, baselines_at = excluded.baselines_at,
    baseline_points = excluded.baseline_points
