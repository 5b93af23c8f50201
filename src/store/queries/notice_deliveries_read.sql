-- Of the notices of a list, the newest first as the list is.
SELECT d.notice_id, d.webhook_id, w.name, d.message_id, d.state, d.attempts,
       CASE WHEN d.state = 'pending' THEN (extract(epoch FROM d.next_attempt_at) * 1000000)::bigint END, d.last_status, d.last_error,
       (extract(epoch FROM d.delivered_at) * 1000000)::bigint
  FROM fettle.notice_deliveries d JOIN fettle.webhooks w ON w.webhook_id = d.webhook_id
 WHERE d.notice_id = ANY ($1::bigint[])
 ORDER BY d.notice_id DESC, w.name
