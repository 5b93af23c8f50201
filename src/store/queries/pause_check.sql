SELECT fettle.pause_check($1::bigint, $2::boolean)
