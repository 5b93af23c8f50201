-- name: sparse_extended
-- versions: 13
WITH object AS (
    SELECT s.oid FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE format('%I.%I', n.nspname, s.stxname) = $1 AND string_to_array(s.stxkeys::text, ' ')::int2[] @> $2::int2[]
)
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies)
SELECT o.oid, $3::bytea::pg_ndistinct, $4::bytea::pg_dependencies
FROM object o
WHERE $5::bool IS NOT NULL
