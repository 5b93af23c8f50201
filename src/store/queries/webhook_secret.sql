SELECT name, kind, origin, encode(sealed_url, 'hex') FROM fettle.webhooks WHERE webhook_id = $1
