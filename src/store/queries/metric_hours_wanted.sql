SELECT DISTINCT (date_part('epoch', date_trunc('hour', collected_at)) * 1000000)::bigint
  FROM fettle.metric_rounds
 WHERE target_id = $1::bigint
   AND collected_at >= (SELECT coalesce(max(hour) + interval '1 hour', '-infinity')
                          FROM fettle.metric_hours WHERE target_id = $1::bigint)
   AND collected_at < date_trunc('hour', timestamptz 'epoch' + $2::bigint * interval '1 microsecond' - interval '10 minutes')
