DELETE FROM fettle.settings WHERE key = $1 RETURNING key
