-- A user that was lowered since lowers the token; its use is noted once a minute.
WITH found AS (
    SELECT t.id, t.user_id, u.username, t.name,
           CASE WHEN u.id IS NOT NULL AND fettle.role_rank(u.role) < fettle.role_rank(t.role) THEN u.role ELSE t.role END AS role,
           t.created_at, t.expires_at, t.last_used_at, t.revoked_at
      FROM fettle.tokens t LEFT JOIN fettle.users u ON u.id = t.user_id
     WHERE t.token_hash = decode($1, 'hex') AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
       AND u.disabled IS NOT TRUE
), used AS (
    UPDATE fettle.tokens SET last_used_at = now()
     WHERE id = (SELECT id FROM found WHERE last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
)
SELECT id, user_id, username, name, role, (extract(epoch FROM created_at) * 1000000)::bigint,
       (extract(epoch FROM expires_at) * 1000000)::bigint, (extract(epoch FROM last_used_at) * 1000000)::bigint, NULL
  FROM found
