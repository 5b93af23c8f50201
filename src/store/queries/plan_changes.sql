-- Of each statement the change of plan nearest to a moment; no plan itself, for that may be long.
SELECT c.query_hash, c.id, c.replaced_id, c.change_cause
  FROM (SELECT DISTINCT ON (p.query_hash) p.query_hash, p.id, b.id AS replaced_id, p.change_cause
          FROM fettle.explain_plans p
         CROSS JOIN LATERAL (SELECT e.id
                               FROM fettle.explain_plans e
                              WHERE e.target_id = p.target_id AND e.query_hash = p.query_hash
                                AND e.database_name IS NOT DISTINCT FROM p.database_name
                                AND (e.collected_at, e.id) < (p.collected_at, p.id)
                              ORDER BY e.collected_at DESC, e.id DESC
                              LIMIT 1) b
         WHERE p.target_id = $1::bigint AND p.query_hash = ANY ($2::bigint[])
           AND p.collected_at BETWEEN timestamptz 'epoch' + ($3::bigint - $4::bigint) * interval '1 microsecond'
                                  AND timestamptz 'epoch' + ($3::bigint + $4::bigint) * interval '1 microsecond'
         ORDER BY p.query_hash, abs(date_part('epoch', p.collected_at) * 1000000 - $3::bigint), p.collected_at DESC, p.id DESC) c
 ORDER BY c.change_cause IS NULL, array_position($2::bigint[], c.query_hash)
