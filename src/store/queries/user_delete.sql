WITH admins AS MATERIALIZED (
    SELECT id FROM fettle.users WHERE role = 'admin' AND NOT disabled ORDER BY id FOR UPDATE
), verdict AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM admins WHERE id = $1) AND NOT EXISTS (SELECT FROM admins WHERE id <> $1) AS is_last
), gone AS (
    DELETE FROM fettle.users WHERE id = $1 AND NOT (SELECT is_last FROM verdict) RETURNING id
)
SELECT (SELECT is_last FROM verdict), EXISTS (SELECT FROM gone)
