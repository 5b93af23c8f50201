UPDATE fettle.index_changes
   SET state = 'running', started_at = coalesce(started_at, clock_timestamp()), attempts = attempts + 1, backend_pid = $2::integer,
       cancel_requested = cancel_requested AND NOT $3::boolean
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING cancel_requested
