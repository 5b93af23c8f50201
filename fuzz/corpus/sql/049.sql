select relname from pg_class where oid = 3
