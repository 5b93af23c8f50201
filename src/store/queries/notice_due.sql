SELECT d.id, d.message_id, d.attempts, n.id, n.target_id, t.name, n.event, n.payload,
       (extract(epoch FROM n.created_at) * 1000000)::bigint
  FROM fettle.notice_deliveries d JOIN fettle.notices n ON n.id = d.notice_id
  LEFT JOIN fettle.targets t ON t.target_id = n.target_id
 WHERE d.webhook_id = $1::bigint AND d.state = 'pending' AND d.next_attempt_at <= now()
 ORDER BY d.id
 LIMIT $2::bigint
