-- Of no user, or of one that is enabled and whose role is not below the token's.
INSERT INTO fettle.tokens (user_id, name, role, token_hash, expires_at)
SELECT $1::bigint, $2, $3, decode($4, 'hex'), CASE WHEN $5::bigint > 0 THEN now() + $5::bigint * interval '1 millisecond' END
 WHERE $1::bigint IS NULL
    OR EXISTS (SELECT FROM fettle.users u
                WHERE u.id = $1::bigint AND NOT u.disabled AND fettle.role_rank(u.role) >= fettle.role_rank($3))
RETURNING id, (extract(epoch FROM expires_at) * 1000000)::bigint
