UPDATE fettle.index_changes SET cancel_requested = true, held_by = 'stop'
 WHERE id = $1::bigint AND state IN ('pending', 'running') AND NOT cancel_requested
