-- Tables that hold rows, those that others refer to first; for a partition its parent and bounds. The holder of the lease is no
-- matter of a backup.
WITH RECURSIVE depth AS (
    SELECT oid, 0 AS level FROM pg_class WHERE relnamespace = 'fettle'::regnamespace AND relkind = 'r'
    UNION
    SELECT c.conrelid, d.level + 1
      FROM depth d JOIN pg_constraint c ON c.contype = 'f' AND c.confrelid = d.oid AND c.conrelid <> c.confrelid
     WHERE d.level < 16
)
SELECT c.relname, p.relname, pg_get_expr(c.relpartbound, c.oid),
       (SELECT array_agg(a.attname::text ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
  FROM (SELECT oid, max(level) AS level FROM depth GROUP BY oid) d
  JOIN pg_class c ON c.oid = d.oid
  LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
  LEFT JOIN pg_class p ON p.oid = i.inhparent
 WHERE c.relname <> 'servers'
 ORDER BY d.level, c.relname
