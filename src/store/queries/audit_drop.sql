SELECT fettle.audit_drop_before(now() - $1::bigint * interval '1 millisecond')
