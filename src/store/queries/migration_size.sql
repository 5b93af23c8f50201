-- Bytes of all relations in schema fettle. The relations of partitions are counted by themselves.
SELECT coalesce(sum(pg_relation_size(oid) + CASE WHEN reltoastrelid <> 0 THEN pg_total_relation_size(reltoastrelid) ELSE 0 END), 0)::bigint
  FROM pg_class
 WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'fettle') AND relkind IN ('r', 'i', 'S', 'm')
