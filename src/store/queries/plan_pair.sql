-- Two plans; what is longer than $4 bytes, or gone, is NULL.
SELECT (SELECT CASE WHEN octet_length(b.plan_json::text) <= $4::bigint THEN b.plan_json::text END
          FROM fettle.explain_plans b
         WHERE b.target_id = $1::bigint AND b.id = $2::bigint),
       (SELECT CASE WHEN octet_length(p.plan_json::text) <= $4::bigint THEN p.plan_json::text END
          FROM fettle.explain_plans p
         WHERE p.target_id = $1::bigint AND p.id = $3::bigint)
