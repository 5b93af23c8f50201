SELECT (date_part('epoch', changed_at) * 1000000)::bigint, name, old_value, new_value, source
  FROM fettle.setting_changes
 WHERE target_id = $1::bigint AND changed_at >= timestamptz 'epoch' + $2::bigint * interval '1 microsecond'
   AND changed_at < timestamptz 'epoch' + $3::bigint * interval '1 microsecond'
 ORDER BY changed_at, name
 LIMIT 100000
