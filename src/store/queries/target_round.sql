UPDATE fettle.targets
   SET last_round_at = now(), last_error = $2, last_notice = CASE WHEN $2::text IS NULL THEN $5 ELSE last_notice END, server_version = coalesce($3, server_version),
       system_identifier = coalesce(nullif($4::bigint, 0), system_identifier)
 WHERE target_id = $1
RETURNING target_id
