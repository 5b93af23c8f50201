-- What became of an attempt. A failure keeps the webhook waiting too, so that one that is away is asked once and not for each notice.
WITH tried AS (
    UPDATE fettle.notice_deliveries
       SET state = $2, attempts = attempts + 1, last_attempt_at = now(), last_status = $3::integer, last_error = $4,
           next_attempt_at = now() + $5::bigint * interval '1 millisecond',
           delivered_at = CASE WHEN $2::text = 'delivered' THEN now() END
     WHERE id = $1::bigint AND state = 'pending'
    RETURNING webhook_id
)
UPDATE fettle.webhooks w
   SET failures = CASE WHEN $2::text = 'delivered' THEN 0 ELSE w.failures + 1 END,
       last_error = CASE WHEN $2::text = 'delivered' THEN NULL ELSE $4 END,
       last_success_at = CASE WHEN $2::text = 'delivered' THEN now() ELSE w.last_success_at END,
       last_failure_at = CASE WHEN $2::text = 'delivered' THEN w.last_failure_at ELSE now() END,
       paused_until = CASE WHEN $2::text = 'delivered' THEN NULL ELSE now() + $6::bigint * interval '1 millisecond' END
  FROM tried
 WHERE w.webhook_id = tried.webhook_id
