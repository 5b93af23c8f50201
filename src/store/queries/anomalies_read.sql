SELECT a.id, a.target_id, a.query_hash, a.anomaly_type, a.severity, a.metric_name, a.metric_value, a.baseline_value, a.deviation_stddev,
       a.z_score, a.raw_metrics_json::text, (extract(epoch FROM a.detected_at) * 1000000)::bigint,
       (extract(epoch FROM a.last_seen_at) * 1000000)::bigint, a.resolved, (extract(epoch FROM a.resolved_at) * 1000000)::bigint,
       coalesce(a.incident_id, 0)
FROM fettle.query_anomalies a
WHERE ($1::bigint IS NULL OR a.target_id = $1::bigint) AND ($2::text IS NULL OR a.severity = $2::text)
  AND ($3::text IS NULL OR a.anomaly_type = $3::text) AND ($4::boolean IS NULL OR a.resolved = $4::boolean)
  AND ($5::bigint IS NULL OR a.detected_at >= timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
ORDER BY a.detected_at DESC, a.id DESC
LIMIT $6::bigint
