-- A new connection string brings its own password or none: an old one is never sent to another server.
UPDATE fettle.targets
   SET name = coalesce($2, name), conninfo = coalesce($3, conninfo),
       sealed_password = CASE WHEN $3::text IS NULL THEN sealed_password ELSE decode($4, 'hex') END,
       enabled = coalesce($5::boolean, enabled), databases = coalesce($6::text[], databases),
       interval_ms = CASE WHEN $7::bigint IS NULL THEN interval_ms ELSE nullif($7::bigint, 0) END
 WHERE target_id = $1
RETURNING target_id
