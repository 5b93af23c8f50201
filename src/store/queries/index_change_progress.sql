UPDATE fettle.index_changes SET progress = coalesce($2::jsonb, progress)
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING cancel_requested
