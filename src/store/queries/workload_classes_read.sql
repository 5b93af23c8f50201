SELECT c.database_name, c.query_hash, c.class, c.weight, c.cadence, c.next_class, c.next_weight, c.next_cadence,
       (extract(epoch FROM c.changed_at) * 1000000)::bigint
FROM fettle.workload_classes c
WHERE c.target_id = $1::bigint AND ($2::text IS NULL OR c.database_name = $2::text)
ORDER BY c.database_name, c.query_hash
LIMIT 100000
