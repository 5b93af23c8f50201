-- Targets on which something is allowed by itself: by their own classes, else by the server's ($4 to $6).
SELECT t.target_id
  FROM fettle.targets t
  LEFT JOIN fettle.change_policies p ON p.target_id = t.target_id
 WHERE t.enabled AND 'auto' IN (coalesce(p.create_index, $4), coalesce(p.drop_index, $5), coalesce(p.replace_index, $6))
   AND NOT EXISTS (SELECT FROM fettle.pause_of(t.target_id, false))
   AND fettle.change_window_is_open(t.target_id, now())
   AND NOT EXISTS (SELECT FROM fettle.jobs j
                    WHERE j.kind = $1 AND j.target_id = t.target_id
                      AND j.created_at > now() - $2::bigint * interval '1 millisecond')
 ORDER BY t.target_id
 LIMIT $3::bigint
