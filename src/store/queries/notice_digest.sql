SELECT fettle.notice_digest($1::bigint)
