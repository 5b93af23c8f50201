-- name: sparse_extended
-- versions: 15-
WITH object AS (
    SELECT s.oid FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE format('%I.%I', n.nspname, s.stxname) = $1 AND string_to_array(s.stxkeys::text, ' ')::int2[] @> $2::int2[]
)
INSERT INTO pg_catalog.pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdexpr)
SELECT o.oid, $5::bool, $3::bytea::pg_ndistinct, $4::bytea::pg_dependencies,
       (WITH sound AS MATERIALIZED (
            SELECT t.*, v.vals AS read
            FROM fettle_twin.statistics_typed t
                 LEFT JOIN (SELECT relation, attnum, is_inherited, is_object, slot, vals, array_send(vals) AS sent
                            FROM fettle_twin.statistics_values) v
                 ON (v.relation, v.attnum, v.is_inherited, v.is_object, v.slot)
                    = (t.relation, t.attnum, t.is_inherited, t.is_object, t.slot)
            WHERE t.is_object AND t.relation = o.oid AND t.is_inherited = $5::bool
              AND fettle_twin.slot_is_sound(t.kind, fettle_twin.number_count(t.numbers), fettle_twin.value_count(v.sent, t.element_id)))
        SELECT array_agg(ROW(0, 0, false, r.null_fraction, r.width, r.n_distinct,
                   coalesce(s1.kind, 0::int2), coalesce(s2.kind, 0::int2), coalesce(s3.kind, 0::int2), coalesce(s4.kind, 0::int2), coalesce(s5.kind, 0::int2),
                   coalesce(s1.operator_id, 0), coalesce(s2.operator_id, 0), coalesce(s3.operator_id, 0), coalesce(s4.operator_id, 0), coalesce(s5.operator_id, 0),
                   coalesce(s1.collation_id, 0), coalesce(s2.collation_id, 0), coalesce(s3.collation_id, 0), coalesce(s4.collation_id, 0), coalesce(s5.collation_id, 0),
                   s1.numbers, s2.numbers, s3.numbers, s4.numbers, s5.numbers,
                   s1.read, s2.read, s3.read, s4.read, s5.read)::pg_catalog.pg_statistic ORDER BY r.attnum)
        FROM fettle_twin.statistics_rows r
             LEFT JOIN sound s1 ON s1.slot = 1 AND s1.attnum = r.attnum
             LEFT JOIN sound s2 ON s2.slot = 2 AND s2.attnum = r.attnum
             LEFT JOIN sound s3 ON s3.slot = 3 AND s3.attnum = r.attnum
             LEFT JOIN sound s4 ON s4.slot = 4 AND s4.attnum = r.attnum
             LEFT JOIN sound s5 ON s5.slot = 5 AND s5.attnum = r.attnum
        WHERE r.is_object AND r.relation = o.oid AND r.is_inherited = $5::bool)
FROM object o
