WITH gone AS (
    DELETE FROM fettle.workload_classes c
    WHERE c.target_id = $1::bigint AND c.seen_at < now() - interval '90 days')
INSERT INTO fettle.workload_classes (target_id, database_name, query_hash, class, weight, cadence, next_class, next_weight,
                                     next_cadence, changed_at, seen_at)
SELECT DISTINCT ON (c.database_name, c.query_hash)
       $1::bigint, c.database_name, c.query_hash, c.class, c.weight, c.cadence, c.next_class, c.next_weight, c.next_cadence,
       now(), now()
FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     c(database_name, query_hash, class, weight, cadence, next_class, next_weight, next_cadence)
WHERE EXISTS (SELECT FROM fettle.targets t WHERE t.target_id = $1::bigint)
ON CONFLICT (target_id, database_name, query_hash) DO UPDATE
SET class = excluded.class, weight = excluded.weight, cadence = excluded.cadence, next_class = excluded.next_class,
    next_weight = excluded.next_weight, next_cadence = excluded.next_cadence, seen_at = excluded.seen_at,
    changed_at = CASE WHEN (workload_classes.class, workload_classes.weight, workload_classes.cadence)
                           = (excluded.class, excluded.weight, excluded.cadence)
                      THEN workload_classes.changed_at ELSE excluded.changed_at END
