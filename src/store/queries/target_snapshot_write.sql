INSERT INTO fettle.target_snapshots (target_id, database_name, taken_at, data)
SELECT $1::bigint, $2::text, $3::timestamptz, $4::bytea
WHERE EXISTS (SELECT FROM fettle.targets t WHERE t.target_id = $1::bigint)
ON CONFLICT (target_id, database_name) DO UPDATE SET taken_at = excluded.taken_at, data = excluded.data
