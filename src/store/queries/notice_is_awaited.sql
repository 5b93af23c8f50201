-- Is there anything to send, now or later.
SELECT EXISTS (SELECT FROM fettle.webhooks w
                 JOIN fettle.notice_deliveries d ON d.webhook_id = w.webhook_id AND d.state IN ('pending', 'held')
                WHERE w.enabled)
