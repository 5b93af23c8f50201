UPDATE fettle.jobs
   SET status = CASE WHEN $2::text IS NULL THEN 'completed' ELSE 'failed' END, error_message = $2, result = $3, completed_at = now()
 WHERE id = $1 AND status IN ('pending', 'running')
RETURNING id
