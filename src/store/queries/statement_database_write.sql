INSERT INTO fettle.databases AS d (target_id, database_id, database_oid, database_name)
VALUES ($1::bigint, $2::integer, $3::bigint::oid, $4::text)
ON CONFLICT (target_id, database_id) DO UPDATE
SET database_oid = excluded.database_oid, database_name = excluded.database_name
WHERE (d.database_oid, d.database_name) IS DISTINCT FROM (excluded.database_oid, excluded.database_name)
