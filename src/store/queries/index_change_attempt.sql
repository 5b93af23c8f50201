-- A change that was recorded before a pause does not begin within it.
UPDATE fettle.index_changes c
   SET state = 'running', started_at = coalesce(started_at, clock_timestamp()), attempts = attempts + 1, backend_pid = $2::integer,
       cancel_requested = NOT $3::boolean AND (cancel_requested OR EXISTS (SELECT FROM fettle.pause_of(c.target_id, c.is_undo)))
 WHERE id = $1::bigint AND state IN ('pending', 'running')
RETURNING cancel_requested
