SELECT setval(c.oid::regclass, $2, $3)
  FROM pg_class c
 WHERE c.relnamespace = 'fettle'::regnamespace AND c.relname = $1 AND c.relkind = 'S'
