SELECT p.database_name, p.query_hash, p.plan
  FROM (SELECT DISTINCT ON (e.query_hash, e.database_name) e.database_name, e.query_hash, e.plan_json::text AS plan, e.collected_at, e.id
          FROM fettle.explain_plans e
         WHERE e.target_id = $1::bigint AND e.plan_json IS NOT NULL
         ORDER BY e.query_hash, e.database_name, e.collected_at DESC, e.id DESC) p
 WHERE octet_length(p.plan) <= $2::bigint
 ORDER BY p.collected_at DESC, p.id DESC
 LIMIT $3::bigint
