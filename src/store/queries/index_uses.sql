WITH marked AS (
    -- The last round of each day, and the last one before the counters began anew.
    SELECT collected_at,
           lead(statistics_reset_at) OVER w IS DISTINCT FROM statistics_reset_at
           OR lead(date_trunc('day', collected_at, 'UTC')) OVER w IS DISTINCT FROM date_trunc('day', collected_at, 'UTC') AS is_kept
      FROM fettle.relation_rounds
     WHERE target_id = $1::bigint AND database_id = $2::integer
       AND collected_at >= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
    WINDOW w AS (ORDER BY collected_at)
), seen AS (
    SELECT u.index_oid, r.collected_at, r.statistics_reset_at AS reset_at, u.scans, u.bloat_bytes, u.bloat_measured
      FROM marked m
      JOIN fettle.relation_rounds r ON r.target_id = $1::bigint AND r.database_id = $2::integer AND r.collected_at = m.collected_at
     CROSS JOIN LATERAL unnest(r.relation_oids, string_to_array(r.kinds, NULL), r.scans, r.bloat_bytes, r.bloat_measured)
                        AS u (index_oid, kind, scans, bloat_bytes, bloat_measured)
     WHERE m.is_kept AND u.kind = 'i' AND u.scans >= 0
), steps AS (
    SELECT *, lag(scans) OVER w AS before, lag(reset_at) OVER w AS reset_before, lag(collected_at) OVER w AS at_before
      FROM seen
    WINDOW w AS (PARTITION BY index_oid ORDER BY collected_at)
), used AS (
    SELECT index_oid, collected_at, bloat_bytes, bloat_measured,
           scans - CASE WHEN at_before IS NULL OR reset_at IS DISTINCT FROM reset_before OR scans < before THEN 0 ELSE before END AS scans,
           -- Uses between a round and the reset after it are lost; more than some hours of them break the evidence off.
           CASE WHEN at_before IS NULL
                  OR ((reset_at IS DISTINCT FROM reset_before OR scans < before) AND collected_at - at_before > interval '6 hours')
                THEN collected_at END AS begins_at
      FROM steps
)
SELECT index_oid, (extract(epoch FROM max(begins_at)) * 1000000)::bigint, (extract(epoch FROM max(collected_at)) * 1000000)::bigint,
       coalesce((extract(epoch FROM max(collected_at) FILTER (WHERE scans > 0)) * 1000000)::bigint, 0), coalesce(sum(scans), 0)::bigint,
       (array_agg(bloat_bytes ORDER BY collected_at DESC))[1], (array_agg(bloat_measured ORDER BY collected_at DESC))[1]
  FROM used
 GROUP BY index_oid
 ORDER BY index_oid
