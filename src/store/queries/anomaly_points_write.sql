INSERT INTO fettle.anomaly_points (target_id, ended_at, step_ms, figures)
SELECT $1::bigint, timestamptz 'epoch' + p.ended_us * interval '1 microsecond', $2::bigint, p.figures::real[]
FROM unnest($3::bigint[], $4::text[]) p(ended_us, figures)
ON CONFLICT (target_id, ended_at) DO UPDATE SET step_ms = excluded.step_ms, figures = excluded.figures
