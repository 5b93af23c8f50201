WITH given AS (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::float8[],
                         $10::float8[], $11::text[], $12::bigint[], $13::boolean[], $14::bigint[])
        WITH ORDINALITY g(id, query_hash, anomaly_type, severity, metric_name, metric_value, baseline_value, deviation, z_score, raw, at_us,
                          resolved, incident_id, place)
), changed AS (
    UPDATE fettle.query_anomalies a
    SET severity = g.severity, metric_value = g.metric_value, baseline_value = g.baseline_value, deviation_stddev = g.deviation,
        z_score = g.z_score, raw_metrics_json = coalesce(g.raw::jsonb, a.raw_metrics_json),
        last_seen_at = CASE WHEN g.resolved THEN a.last_seen_at ELSE timestamptz 'epoch' + g.at_us * interval '1 microsecond' END,
        resolved = g.resolved,
        resolved_at = CASE WHEN g.resolved THEN timestamptz 'epoch' + g.at_us * interval '1 microsecond' END,
        incident_id = coalesce(nullif(g.incident_id, 0), a.incident_id)
    FROM given g
    WHERE g.id > 0 AND a.target_id = $1::bigint AND a.id = g.id)
INSERT INTO fettle.query_anomalies (target_id, query_hash, anomaly_type, severity, metric_name, metric_value, baseline_value,
                                    deviation_stddev, z_score, raw_metrics_json, detected_at, last_seen_at, incident_id)
SELECT $1::bigint, g.query_hash, g.anomaly_type, g.severity, g.metric_name, g.metric_value, g.baseline_value, g.deviation, g.z_score,
       g.raw::jsonb, timestamptz 'epoch' + g.at_us * interval '1 microsecond', timestamptz 'epoch' + g.at_us * interval '1 microsecond',
       nullif(g.incident_id, 0)
FROM given g
WHERE g.id = 0
ORDER BY g.place
