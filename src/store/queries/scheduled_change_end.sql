UPDATE fettle.scheduled_changes SET state = $2, message = $3, implementation_id = $4::bigint, ended_at = now()
 WHERE id = $1::bigint AND state = 'waiting'
RETURNING target_id
