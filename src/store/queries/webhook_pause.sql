UPDATE fettle.webhooks
   SET failures = failures + 1, last_error = $2, last_failure_at = now(), paused_until = now() + $3::bigint * interval '1 millisecond'
 WHERE webhook_id = $1::bigint
