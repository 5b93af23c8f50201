SELECT fettle.notice_record($1::bigint, $2, $3::jsonb, $4)
