SELECT i.id, i.target_id, i.incident_type, i.severity, (extract(epoch FROM i.first_at) * 1000000)::bigint,
       (extract(epoch FROM i.last_at) * 1000000)::bigint, (extract(epoch FROM i.peak_at) * 1000000)::bigint, i.peak_z, i.peak_metric,
       i.peak_value, i.peak_baseline, coalesce(i.peak_query_hash, 0), i.query_hashes::text, i.probable_cause, i.calm, i.resolved,
       (extract(epoch FROM i.resolved_at) * 1000000)::bigint
FROM fettle.incidents i
WHERE ($1::bigint IS NULL OR i.target_id = $1::bigint) AND ($2::text IS NULL OR i.severity = $2::text)
  AND ($3::text IS NULL OR i.incident_type = $3::text) AND ($4::boolean IS NULL OR i.resolved = $4::boolean)
  AND ($5::bigint IS NULL OR i.last_at >= timestamptz 'epoch' + $5::bigint * interval '1 microsecond')
ORDER BY i.first_at DESC, i.id DESC
LIMIT $6::bigint
