-- The webhooks that something waits for, and how many messages each may get now: what it got in the last minute counts.
SELECT w.webhook_id, greatest($1::bigint - (SELECT count(*) FROM fettle.notice_deliveries r
                                             WHERE r.webhook_id = w.webhook_id AND r.last_attempt_at > now() - interval '1 minute'), 0)
  FROM fettle.webhooks w
 WHERE w.enabled AND (w.paused_until IS NULL OR w.paused_until <= now())
   AND EXISTS (SELECT FROM fettle.notice_deliveries d
                WHERE d.webhook_id = w.webhook_id AND d.state IN ('pending', 'held') AND d.next_attempt_at <= now())
 ORDER BY w.last_success_at NULLS FIRST, w.webhook_id
