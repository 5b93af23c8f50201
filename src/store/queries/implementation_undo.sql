-- Only one undo of an implementation at a time.
UPDATE fettle.optimization_implementations SET undo_change_id = $2::bigint, undo_reason = $3::text, error_message = NULL
 WHERE id = $1::bigint AND undo_change_id IS NULL AND status <> 'reverted'
RETURNING id
