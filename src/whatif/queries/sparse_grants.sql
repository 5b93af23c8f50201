-- name: sparse_grants
-- versions: 13-
GRANT USAGE ON SCHEMA fettle_twin TO fettle_twin;
GRANT SELECT ON fettle_twin.sizes, fettle_twin.statistics_typed, pg_catalog.pg_statistic TO fettle_twin;
GRANT INSERT ON fettle_twin.statistics_values TO fettle_twin;
GRANT EXECUTE ON FUNCTION fettle_twin.sizes_hide(oid), fettle_twin.sizes_show(oid), fettle_twin.statistics_read() TO fettle_twin;
