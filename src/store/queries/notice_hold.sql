-- What is new and beyond what the webhook may get now.
UPDATE fettle.notice_deliveries
   SET state = 'held'
 WHERE id IN (SELECT d.id FROM fettle.notice_deliveries d JOIN fettle.notices n ON n.id = d.notice_id
               WHERE d.webhook_id = $1::bigint AND d.state = 'pending' AND d.next_attempt_at <= now() AND d.attempts = 0
                 AND n.event <> 'webhook.digest'
               ORDER BY d.id OFFSET $2::bigint)
