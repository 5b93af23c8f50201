INSERT INTO fettle.metric_hours (target_id, hour, rounds, means, least, greatest)
SELECT $1::bigint, hour, max(rounds), array_agg(mean ORDER BY position), array_agg(least ORDER BY position),
       array_agg(greatest ORDER BY position)
  FROM (SELECT date_trunc('hour', r.collected_at) AS hour, u.position, count(*)::integer AS rounds, avg(u.figure)::real AS mean,
               min(u.figure) AS least, max(u.figure) AS greatest
          FROM fettle.metric_rounds r CROSS JOIN LATERAL unnest(r.figures) WITH ORDINALITY AS u (figure, position)
         WHERE r.target_id = $1::bigint
           AND r.collected_at >= (SELECT coalesce(max(hour) + interval '1 hour', '-infinity')
                                    FROM fettle.metric_hours WHERE target_id = $1::bigint)
           AND r.collected_at < date_trunc('hour', timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
                                                   - interval '10 minutes')
         GROUP BY 1, 2) AS figures
 GROUP BY hour
ON CONFLICT DO NOTHING
