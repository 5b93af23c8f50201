INSERT INTO fettle.incidents AS i (target_id, id, incident_type, severity, first_at, last_at, peak_at, peak_z, peak_metric, peak_value,
                                   peak_baseline, peak_query_hash, query_hashes, probable_cause, calm, resolved, resolved_at)
SELECT $1::bigint, coalesce(nullif($2::bigint, 0), nextval(pg_get_serial_sequence('fettle.incidents', 'id'))), $3::text, $4::text,
       timestamptz 'epoch' + $5::bigint * interval '1 microsecond', timestamptz 'epoch' + $6::bigint * interval '1 microsecond',
       timestamptz 'epoch' + $7::bigint * interval '1 microsecond', $8::float8, $9::text, $10::float8, $11::float8, $12::bigint,
       $13::bigint[], $14::text, $15::integer, $16::bigint IS NOT NULL, timestamptz 'epoch' + $16::bigint * interval '1 microsecond'
ON CONFLICT (target_id, id) DO UPDATE
SET incident_type = excluded.incident_type, severity = excluded.severity, first_at = excluded.first_at, last_at = excluded.last_at,
    peak_at = excluded.peak_at, peak_z = excluded.peak_z, peak_metric = excluded.peak_metric, peak_value = excluded.peak_value,
    peak_baseline = excluded.peak_baseline, peak_query_hash = excluded.peak_query_hash, query_hashes = excluded.query_hashes,
    probable_cause = excluded.probable_cause, calm = excluded.calm, resolved = excluded.resolved, resolved_at = excluded.resolved_at
RETURNING i.id, CASE WHEN i.resolved OR coalesce($2::bigint, 0) = 0 THEN fettle.notice_record(i.target_id,
    CASE WHEN i.resolved THEN 'incident.closed' ELSE 'incident.opened' END,
    jsonb_build_object('incident_id', i.id, 'title', i.probable_cause, 'severity', i.severity, 'metric_name', i.peak_metric,
        'metric_value', i.peak_value, 'baseline_value', i.peak_baseline, 'query_hash', i.peak_query_hash,
        'started_at', i.first_at, 'ended_at', i.resolved_at), 'incident ' || i.id) END
