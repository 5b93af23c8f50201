SELECT fettle.implementation_undo_failed($1::bigint, NULL, $2::text, false)
