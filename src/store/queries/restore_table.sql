-- 'table', 'partition' or nothing.
SELECT CASE WHEN relispartition THEN 'partition' ELSE 'table' END
  FROM pg_class
 WHERE relnamespace = 'fettle'::regnamespace AND relname = $1 AND relkind = 'r'
