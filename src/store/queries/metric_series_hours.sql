WITH rolled AS (
    SELECT hour, rounds, means[$4::integer] AS mean, least[$4::integer] AS least, greatest[$4::integer] AS greatest
      FROM fettle.metric_hours
     WHERE target_id = $1::bigint AND hour >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
       AND hour < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
), hours AS (
    SELECT hour, rounds, mean, least, greatest FROM rolled
    UNION ALL
    SELECT date_trunc('hour', collected_at), count(*), avg(figures[$4::integer]), min(figures[$4::integer]), max(figures[$4::integer])
      FROM fettle.metric_rounds
     WHERE target_id = $1::bigint AND collected_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
       AND collected_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
       AND collected_at >= (SELECT coalesce(max(hour) + interval '1 hour', '-infinity')
                              FROM fettle.metric_hours WHERE target_id = $1::bigint)
     GROUP BY 1
)
SELECT slot * $5::bigint, (slot + 1) * $5::bigint, sum(mean * rounds) / nullif(sum(rounds) FILTER (WHERE mean IS NOT NULL), 0),
       min(least), max(greatest)
  FROM (SELECT (date_part('epoch', hour) * 1000000)::bigint / $5::bigint AS slot, rounds, mean, least, greatest FROM hours) AS points
 GROUP BY slot
 ORDER BY slot
