-- The admins are locked first, so that of two changes at once the second sees the first. What ends the last one changes nothing.
WITH admins AS MATERIALIZED (
    SELECT id FROM fettle.users WHERE role = 'admin' AND NOT disabled ORDER BY id FOR UPDATE
), verdict AS MATERIALIZED (
    SELECT (coalesce($3::text, 'admin') <> 'admin' OR coalesce($4::boolean, false)) AND EXISTS (SELECT FROM admins WHERE id = $1)
           AND NOT EXISTS (SELECT FROM admins WHERE id <> $1) AS is_last
), changed AS (
    UPDATE fettle.users
       SET password_hash = coalesce($2, password_hash), role = coalesce($3, role), disabled = coalesce($4::boolean, disabled)
     WHERE id = $1 AND NOT (SELECT is_last FROM verdict)
    RETURNING id
), revoked AS (
    UPDATE fettle.tokens SET revoked_at = now()
     WHERE user_id = (SELECT id FROM changed) AND revoked_at IS NULL AND ($2::text IS NOT NULL OR coalesce($4::boolean, false))
)
SELECT (SELECT is_last FROM verdict), EXISTS (SELECT FROM changed)
