SELECT t.target_id
  FROM fettle.targets t
 WHERE t.enabled
   AND NOT EXISTS (SELECT FROM fettle.jobs j
                    WHERE j.kind = $1 AND j.target_id = t.target_id
                      AND j.created_at > now() - $2::bigint * interval '1 millisecond')
 ORDER BY t.target_id
 LIMIT $3::bigint
