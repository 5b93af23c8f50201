SELECT id, username, role, disabled, (extract(epoch FROM created_at) * 1000000)::bigint,
       (extract(epoch FROM last_login_at) * 1000000)::bigint, CASE WHEN $3::boolean THEN password_hash END
  FROM fettle.users
 WHERE ($1::bigint IS NULL OR id = $1::bigint) AND ($2::text IS NULL OR username = $2::text)
 ORDER BY username
