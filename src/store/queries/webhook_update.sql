-- Another place begins without the failures of the one before.
UPDATE fettle.webhooks
   SET name = coalesce($2, name), kind = coalesce($3, kind), origin = coalesce($4, origin),
       sealed_url = coalesce(decode($5, 'hex'), sealed_url), has_secret = coalesce($6::boolean, has_secret),
       events = coalesce($7::text[], events), target_ids = coalesce($8::bigint[], target_ids),
       enabled = coalesce($9::boolean, enabled), failures = CASE WHEN $5::text IS NULL THEN failures ELSE 0 END,
       paused_until = CASE WHEN $5::text IS NULL THEN paused_until END
 WHERE webhook_id = $1
RETURNING webhook_id
