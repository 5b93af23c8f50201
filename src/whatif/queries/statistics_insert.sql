-- name: statistics_insert
-- versions: 13-
WITH slots AS MATERIALIZED (
    SELECT s.relation_id, s.attnum, s.is_inherited, s.null_fraction, s.width, s.n_distinct,
           s.kind1, coalesce(to_regoperator(s.operator1)::oid, CASE s.kind1 WHEN 1 THEN t.equal WHEN 2 THEN t.less WHEN 3 THEN t.less WHEN 4 THEN t.element_equal WHEN 5 THEN t.element_equal WHEN 6 THEN 672 END, 0) AS operator1,
           coalesce(to_regcollation(s.collation1)::oid, CASE WHEN s.kind1 BETWEEN 1 AND 5 THEN coalesce(nullif(a.attcollation, 0), 0) END, 0) AS collation1,
           s.numbers1::float4[] AS numbers1,
           fettle_twin.untrusted_array(s.values1, fettle_twin.values_type(s.relation_id, s.attnum, s.kind1), $1::oid) AS values1,
           s.kind2, coalesce(to_regoperator(s.operator2)::oid, CASE s.kind2 WHEN 1 THEN t.equal WHEN 2 THEN t.less WHEN 3 THEN t.less WHEN 4 THEN t.element_equal WHEN 5 THEN t.element_equal WHEN 6 THEN 672 END, 0) AS operator2,
           coalesce(to_regcollation(s.collation2)::oid, CASE WHEN s.kind2 BETWEEN 1 AND 5 THEN coalesce(nullif(a.attcollation, 0), 0) END, 0) AS collation2,
           s.numbers2::float4[] AS numbers2,
           fettle_twin.untrusted_array(s.values2, fettle_twin.values_type(s.relation_id, s.attnum, s.kind2), $1::oid) AS values2,
           s.kind3, coalesce(to_regoperator(s.operator3)::oid, CASE s.kind3 WHEN 1 THEN t.equal WHEN 2 THEN t.less WHEN 3 THEN t.less WHEN 4 THEN t.element_equal WHEN 5 THEN t.element_equal WHEN 6 THEN 672 END, 0) AS operator3,
           coalesce(to_regcollation(s.collation3)::oid, CASE WHEN s.kind3 BETWEEN 1 AND 5 THEN coalesce(nullif(a.attcollation, 0), 0) END, 0) AS collation3,
           s.numbers3::float4[] AS numbers3,
           fettle_twin.untrusted_array(s.values3, fettle_twin.values_type(s.relation_id, s.attnum, s.kind3), $1::oid) AS values3,
           s.kind4, coalesce(to_regoperator(s.operator4)::oid, CASE s.kind4 WHEN 1 THEN t.equal WHEN 2 THEN t.less WHEN 3 THEN t.less WHEN 4 THEN t.element_equal WHEN 5 THEN t.element_equal WHEN 6 THEN 672 END, 0) AS operator4,
           coalesce(to_regcollation(s.collation4)::oid, CASE WHEN s.kind4 BETWEEN 1 AND 5 THEN coalesce(nullif(a.attcollation, 0), 0) END, 0) AS collation4,
           s.numbers4::float4[] AS numbers4,
           fettle_twin.untrusted_array(s.values4, fettle_twin.values_type(s.relation_id, s.attnum, s.kind4), $1::oid) AS values4,
           s.kind5, coalesce(to_regoperator(s.operator5)::oid, CASE s.kind5 WHEN 1 THEN t.equal WHEN 2 THEN t.less WHEN 3 THEN t.less WHEN 4 THEN t.element_equal WHEN 5 THEN t.element_equal WHEN 6 THEN 672 END, 0) AS operator5,
           coalesce(to_regcollation(s.collation5)::oid, CASE WHEN s.kind5 BETWEEN 1 AND 5 THEN coalesce(nullif(a.attcollation, 0), 0) END, 0) AS collation5,
           s.numbers5::float4[] AS numbers5,
           fettle_twin.untrusted_array(s.values5, fettle_twin.values_type(s.relation_id, s.attnum, s.kind5), $1::oid) AS values5
    FROM pg_temp.fettle_statistics s
         JOIN pg_catalog.pg_attribute a ON a.attrelid = s.relation_id AND a.attnum = s.attnum AND NOT a.attisdropped
         JOIN pg_temp.fettle_types t ON t.type_id = a.atttypid
), inserted AS (
    INSERT INTO pg_catalog.pg_statistic
    SELECT relation_id, attnum, is_inherited, null_fraction, width, n_distinct,
           CASE WHEN kind1 IN (1, 2, 4, 7) AND values1 IS NULL THEN 0 ELSE kind1 END,
           CASE WHEN kind2 IN (1, 2, 4, 7) AND values2 IS NULL THEN 0 ELSE kind2 END,
           CASE WHEN kind3 IN (1, 2, 4, 7) AND values3 IS NULL THEN 0 ELSE kind3 END,
           CASE WHEN kind4 IN (1, 2, 4, 7) AND values4 IS NULL THEN 0 ELSE kind4 END,
           CASE WHEN kind5 IN (1, 2, 4, 7) AND values5 IS NULL THEN 0 ELSE kind5 END,
           operator1,
           operator2,
           operator3,
           operator4,
           operator5,
           collation1,
           collation2,
           collation3,
           collation4,
           collation5,
           numbers1,
           numbers2,
           numbers3,
           numbers4,
           numbers5,
           values1,
           values2,
           values3,
           values4,
           values5
    FROM slots
    RETURNING 1
)
SELECT count(*) FROM inserted
