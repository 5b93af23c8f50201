-- name: sparse_statistics
-- versions: 13-
WITH sound AS MATERIALIZED (
    SELECT t.*, v.vals AS read
    FROM fettle_twin.statistics_typed t
         LEFT JOIN (SELECT relation, attnum, is_inherited, is_object, slot, vals, array_send(vals) AS sent
                    FROM fettle_twin.statistics_values) v
         ON (v.relation, v.attnum, v.is_inherited, v.is_object, v.slot) = (t.relation, t.attnum, t.is_inherited, t.is_object, t.slot)
    WHERE NOT t.is_object
      AND fettle_twin.slot_is_sound(t.kind, fettle_twin.number_count(t.numbers), fettle_twin.value_count(v.sent, t.element_id))
), inserted AS (
    INSERT INTO pg_catalog.pg_statistic
    SELECT r.relation, r.attnum, r.is_inherited, r.null_fraction, r.width, r.n_distinct,
           coalesce(s1.kind, 0), coalesce(s2.kind, 0), coalesce(s3.kind, 0), coalesce(s4.kind, 0), coalesce(s5.kind, 0),
           coalesce(s1.operator_id, 0), coalesce(s2.operator_id, 0), coalesce(s3.operator_id, 0), coalesce(s4.operator_id, 0), coalesce(s5.operator_id, 0),
           coalesce(s1.collation_id, 0), coalesce(s2.collation_id, 0), coalesce(s3.collation_id, 0), coalesce(s4.collation_id, 0), coalesce(s5.collation_id, 0),
           s1.numbers, s2.numbers, s3.numbers, s4.numbers, s5.numbers,
           s1.read, s2.read, s3.read, s4.read, s5.read
    FROM fettle_twin.statistics_rows r
         JOIN pg_catalog.pg_attribute a ON a.attrelid = r.relation AND a.attnum = r.attnum AND NOT a.attisdropped
         LEFT JOIN sound s1 ON s1.slot = 1 AND (s1.relation, s1.attnum, s1.is_inherited) = (r.relation, r.attnum, r.is_inherited)
         LEFT JOIN sound s2 ON s2.slot = 2 AND (s2.relation, s2.attnum, s2.is_inherited) = (r.relation, r.attnum, r.is_inherited)
         LEFT JOIN sound s3 ON s3.slot = 3 AND (s3.relation, s3.attnum, s3.is_inherited) = (r.relation, r.attnum, r.is_inherited)
         LEFT JOIN sound s4 ON s4.slot = 4 AND (s4.relation, s4.attnum, s4.is_inherited) = (r.relation, r.attnum, r.is_inherited)
         LEFT JOIN sound s5 ON s5.slot = 5 AND (s5.relation, s5.attnum, s5.is_inherited) = (r.relation, r.attnum, r.is_inherited)
    WHERE NOT r.is_object
    RETURNING 1
)
SELECT count(*) FROM inserted
