INSERT INTO fettle.webhooks (name, kind, origin, sealed_url, has_secret, events, target_ids, enabled)
SELECT $1, $2, $3, decode($4, 'hex'), $5::boolean, coalesce($6::text[], '{}'), coalesce($7::bigint[], '{}'), $8::boolean
 WHERE (SELECT count(*) FROM fettle.webhooks) < $9::bigint
RETURNING webhook_id
