SELECT id, query_hash, anomaly_type, severity, metric_name, metric_value, baseline_value, z_score,
       (date_part('epoch', detected_at) * 1000000)::bigint, resolved, (date_part('epoch', resolved_at) * 1000000)::bigint
  FROM fettle.query_anomalies
 WHERE target_id = $1::bigint AND detected_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
 ORDER BY detected_at DESC, id DESC
 LIMIT $3::bigint
