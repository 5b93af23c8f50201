UPDATE fettle.users SET last_login_at = now() WHERE id = $1 AND NOT disabled RETURNING id
