WITH times AS (
    DELETE FROM fettle.sample_times t
    WHERE t.target_id = $1::bigint AND t.database_id = $2::integer AND t.starts_at = $3::timestamptz)
DELETE FROM fettle.sample_blocks b
WHERE b.target_id = $1::bigint AND b.database_id = $2::integer AND b.starts_at = $3::timestamptz
