-- name: extended_insert
-- versions: 14
WITH object AS (
    SELECT s.oid FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE format('%I.%I', n.nspname, s.stxname) = $1
)
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdndistinct, stxddependencies, stxdmcv, stxdexpr)
SELECT o.oid, fettle_twin.ndistinct_build(o.oid, $2::text[], $3::int2[], $4),
       fettle_twin.dependencies_build(o.oid, $2::text[], $3::int2[], $5),
       CASE WHEN $6::text IS NOT NULL THEN fettle_twin.mcv_build(o.oid, $2::text[], $6::jsonb, $7::oid) END,
       CASE WHEN $9::text IS NOT NULL THEN (
           SELECT array_agg(ROW(0, 0, false, (x.item ->> 'null_fraction')::float4, (x.item ->> 'width')::int4, (x.item ->> 'n_distinct')::float4,
               CASE WHEN x.values1 IS NULL AND (x.item ->> 'kind1') IN ('1', '2', '4', '7') THEN 0 ELSE (x.item ->> 'kind1')::int2 END, CASE WHEN x.values2 IS NULL AND (x.item ->> 'kind2') IN ('1', '2', '4', '7') THEN 0 ELSE (x.item ->> 'kind2')::int2 END, CASE WHEN x.values3 IS NULL AND (x.item ->> 'kind3') IN ('1', '2', '4', '7') THEN 0 ELSE (x.item ->> 'kind3')::int2 END, CASE WHEN x.values4 IS NULL AND (x.item ->> 'kind4') IN ('1', '2', '4', '7') THEN 0 ELSE (x.item ->> 'kind4')::int2 END, CASE WHEN x.values5 IS NULL AND (x.item ->> 'kind5') IN ('1', '2', '4', '7') THEN 0 ELSE (x.item ->> 'kind5')::int2 END,
               coalesce(to_regoperator(x.item ->> 'operator1')::oid, 0), coalesce(to_regoperator(x.item ->> 'operator2')::oid, 0), coalesce(to_regoperator(x.item ->> 'operator3')::oid, 0), coalesce(to_regoperator(x.item ->> 'operator4')::oid, 0), coalesce(to_regoperator(x.item ->> 'operator5')::oid, 0),
               coalesce(to_regcollation(x.item ->> 'collation1')::oid, 0), coalesce(to_regcollation(x.item ->> 'collation2')::oid, 0), coalesce(to_regcollation(x.item ->> 'collation3')::oid, 0), coalesce(to_regcollation(x.item ->> 'collation4')::oid, 0), coalesce(to_regcollation(x.item ->> 'collation5')::oid, 0),
               (x.item ->> 'numbers1')::float4[], (x.item ->> 'numbers2')::float4[], (x.item ->> 'numbers3')::float4[], (x.item ->> 'numbers4')::float4[], (x.item ->> 'numbers5')::float4[], x.values1, x.values2, x.values3, x.values4, x.values5)::pg_catalog.pg_statistic ORDER BY x.at)
           FROM (SELECT i.item, i.at, fettle_twin.untrusted_array(i.item ->> 'values1', fettle_twin.expression_values_type(o.oid, i.at::int, (i.item ->> 'kind1')::int2), $7::oid) AS values1, fettle_twin.untrusted_array(i.item ->> 'values2', fettle_twin.expression_values_type(o.oid, i.at::int, (i.item ->> 'kind2')::int2), $7::oid) AS values2, fettle_twin.untrusted_array(i.item ->> 'values3', fettle_twin.expression_values_type(o.oid, i.at::int, (i.item ->> 'kind3')::int2), $7::oid) AS values3, fettle_twin.untrusted_array(i.item ->> 'values4', fettle_twin.expression_values_type(o.oid, i.at::int, (i.item ->> 'kind4')::int2), $7::oid) AS values4, fettle_twin.untrusted_array(i.item ->> 'values5', fettle_twin.expression_values_type(o.oid, i.at::int, (i.item ->> 'kind5')::int2), $7::oid) AS values5
                 FROM jsonb_array_elements($9::jsonb) WITH ORDINALITY AS i (item, at)) x) END
FROM object o
WHERE $8::bool IS NOT NULL
