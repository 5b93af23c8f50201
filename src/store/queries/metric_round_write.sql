INSERT INTO fettle.metric_rounds (target_id, collected_at, interval_ms, figures)
VALUES ($1::bigint, timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::bigint, $4::real[])
ON CONFLICT DO NOTHING
