-- name: extended_insert
-- versions: 13
WITH object AS (
    SELECT s.oid FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE format('%I.%I', n.nspname, s.stxname) = $1
)
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies, stxdmcv)
SELECT o.oid, fettle_twin.ndistinct_build(o.oid, $2::text[], $3::int2[], $4),
       fettle_twin.dependencies_build(o.oid, $2::text[], $3::int2[], $5),
       CASE WHEN $6::text IS NOT NULL THEN fettle_twin.mcv_build(o.oid, $2::text[], $6::jsonb, $7::oid) END
FROM object o
WHERE $8::bool IS NOT NULL AND ($9::text IS NULL OR true)
