SELECT value FROM fettle.target_settings WHERE target_id = $1::bigint AND name = $2::text
