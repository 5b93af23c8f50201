UPDATE fettle.scheduled_changes
   SET planned_from = timestamptz 'epoch' + $2::bigint * interval '1 microsecond',
       planned_to = timestamptz 'epoch' + $3::bigint * interval '1 microsecond', message = $4
 WHERE id = $1::bigint AND state = 'waiting'
   AND (message IS DISTINCT FROM $4 OR planned_from <> timestamptz 'epoch' + $2::bigint * interval '1 microsecond')
