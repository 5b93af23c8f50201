WITH old AS (
    DELETE FROM fettle.query_anomalies a
    WHERE a.target_id = $1::bigint AND a.detected_at < timestamptz 'epoch' + $2::bigint * interval '1 microsecond' AND a.resolved)
DELETE FROM fettle.incidents i
WHERE i.target_id = $1::bigint AND i.last_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond' AND i.resolved
