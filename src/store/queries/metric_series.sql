SELECT (date_part('epoch', collected_at) * 1000000)::bigint - interval_ms * 1000,
       (date_part('epoch', collected_at) * 1000000)::bigint, figures[$4::integer], figures[$4::integer], figures[$4::integer]
  FROM fettle.metric_rounds
 WHERE target_id = $1::bigint AND collected_at > timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
   AND collected_at <= timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 ORDER BY collected_at
