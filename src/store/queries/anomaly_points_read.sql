SELECT (extract(epoch FROM p.ended_at) * 1000000)::bigint, u.figure
FROM (SELECT * FROM fettle.anomaly_points
       WHERE target_id = $1::bigint AND step_ms = $2::bigint
         AND ended_at >= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
         AND ended_at < timestamptz 'epoch' + $4::bigint * interval '1 microsecond') p
CROSS JOIN LATERAL unnest(p.figures) WITH ORDINALITY u(figure, place)
ORDER BY p.ended_at, u.place
