SELECT DISTINCT d.target_id
FROM fettle.databases d
WHERE ($1::text IS NULL OR d.database_name = $1::text)
ORDER BY d.target_id
