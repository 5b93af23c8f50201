UPDATE fettle.index_changes SET cancel_requested = true
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING id
