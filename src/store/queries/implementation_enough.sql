UPDATE fettle.optimization_implementations
   SET enough_data_at = timestamptz 'epoch' + $2::bigint * interval '1 microsecond', detectable_percent = $3::double precision
 WHERE id = $1::bigint
