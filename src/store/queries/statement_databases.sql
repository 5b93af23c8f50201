SELECT d.database_id, d.database_oid::bigint, d.database_name
FROM fettle.databases d
WHERE d.target_id = $1::bigint
ORDER BY d.database_id
