-- How long until the first window opens of a target on which something is allowed by itself ($1 to $3: the server's classes).
SELECT ceil(extract(epoch FROM min(w.opens_at) - now()) * 1000)::bigint
  FROM fettle.targets t
  JOIN fettle.change_policies p ON p.target_id = t.target_id
 CROSS JOIN LATERAL fettle.change_window_at(p.windows, now()) w
 WHERE t.enabled AND 'auto' IN (coalesce(p.create_index, $1), coalesce(p.drop_index, $2), coalesce(p.replace_index, $3))
   AND w.opens_at > now()
