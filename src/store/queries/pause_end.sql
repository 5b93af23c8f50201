UPDATE fettle.pauses SET resumed_at = now(), resumed_by = $2
 WHERE resumed_at IS NULL AND coalesce(target_id, 0) = coalesce($1::bigint, 0)
RETURNING id
