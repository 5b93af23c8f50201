DELETE FROM fettle.webhooks WHERE webhook_id = $1 RETURNING webhook_id
