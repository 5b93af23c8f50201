SELECT t.id, t.user_id, u.username, t.name, t.role, (extract(epoch FROM t.created_at) * 1000000)::bigint,
       (extract(epoch FROM t.expires_at) * 1000000)::bigint, (extract(epoch FROM t.last_used_at) * 1000000)::bigint,
       (extract(epoch FROM t.revoked_at) * 1000000)::bigint
  FROM fettle.tokens t LEFT JOIN fettle.users u ON u.id = t.user_id
 WHERE $1::bigint IS NULL OR t.user_id = $1::bigint
 ORDER BY t.id
