SELECT slot * $5::bigint, (slot + 1) * $5::bigint, avg(figure), min(figure), max(figure)
  FROM (SELECT ((date_part('epoch', collected_at) * 1000000)::bigint - 1) / $5::bigint AS slot, figures[$4::integer] AS figure
          FROM fettle.metric_rounds
         WHERE target_id = $1::bigint AND collected_at > timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
           AND collected_at <= timestamptz 'epoch' + $3::bigint * interval '1 microsecond') AS points
 GROUP BY slot
 ORDER BY slot
