SELECT coalesce(sum(samples), 0), (date_part('epoch', min(starts_at)) * 1000000)::bigint
  FROM fettle.activity_minutes
 WHERE target_id = $1::bigint AND starts_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
   AND starts_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
