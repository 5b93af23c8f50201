SELECT w.webhook_id, w.name, w.kind, w.origin, w.has_secret, w.events, w.target_ids, w.enabled,
       (extract(epoch FROM w.created_at) * 1000000)::bigint, w.failures, w.last_error,
       (extract(epoch FROM w.last_failure_at) * 1000000)::bigint, (extract(epoch FROM w.last_success_at) * 1000000)::bigint,
       (extract(epoch FROM w.paused_until) * 1000000)::bigint, coalesce(d.waiting, 0), coalesce(d.given_up, 0)
  FROM fettle.webhooks w
  LEFT JOIN (SELECT webhook_id, count(*) FILTER (WHERE state IN ('pending', 'held')) AS waiting,
                    count(*) FILTER (WHERE state = 'given_up') AS given_up
               FROM fettle.notice_deliveries WHERE state IN ('pending', 'held', 'given_up') GROUP BY webhook_id) d
    ON d.webhook_id = w.webhook_id
 WHERE ($1::bigint IS NULL OR w.webhook_id = $1::bigint) AND ($2::text IS NULL OR w.name = $2::text)
 ORDER BY w.name
