SELECT p.id, p.target_id, t.name, p.stops_undo, p.reason, p.paused_by, (extract(epoch FROM p.paused_at) * 1000000)::bigint
  FROM fettle.pauses p LEFT JOIN fettle.targets t ON t.target_id = p.target_id
 WHERE p.resumed_at IS NULL
 ORDER BY p.target_id NULLS FIRST
 LIMIT $1::bigint
