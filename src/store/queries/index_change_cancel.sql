UPDATE fettle.index_changes SET cancel_requested = true, held_by = NULL
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING id
