-- name: sparse_expressions
-- versions: 13-
WITH object AS (
    SELECT s.oid FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE format('%I.%I', n.nspname, s.stxname) = $1
), item AS (
    SELECT o.oid, i.item, i.at FROM object o, jsonb_array_elements($3::jsonb) WITH ORDINALITY AS i (item, at)
), row_of AS (
    INSERT INTO fettle_twin.statistics_rows
    SELECT oid, at, $2::bool, true, (item ->> 'null_fraction')::real, (item ->> 'width')::int, (item ->> 'n_distinct')::real FROM item
)
INSERT INTO fettle_twin.statistics_slots
SELECT i.oid, i.at, $2::bool, true, n, (i.item ->> ('kind' || n))::int2, i.item ->> ('operator' || n), i.item ->> ('collation' || n),
       i.item ->> ('numbers' || n), i.item ->> ('values' || n)
FROM item i, generate_series(1, 5) n
WHERE (i.item ->> ('kind' || n))::int2 <> 0
