SELECT fettle.notice_recommendations($1::double precision)
