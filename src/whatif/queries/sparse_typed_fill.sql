-- name: sparse_typed_fill
-- versions: 13-
INSERT INTO fettle_twin.statistics_typed
SELECT s.relation, s.attnum, s.is_inherited, s.is_object, s.slot, s.kind,
       coalesce(to_regoperator(s.operator)::oid, CASE WHEN s.kind = 1 THEN t.equal WHEN s.kind IN (2, 3) THEN t.less
                                                      WHEN s.kind IN (4, 5) THEN t.element_equal WHEN s.kind = 6 THEN 672 END, 0),
       coalesce(to_regcollation(s.collation_name)::oid, CASE WHEN s.kind BETWEEN 1 AND 5 THEN a.collation_id END, 0),
       s.numbers::float4[],
       CASE WHEN s.kind IN (1, 2) THEN a.type_id
            WHEN s.kind = 4 THEN nullif(t.element_id, 0)
            WHEN s.kind = 6 THEN 'float8'::regtype::oid
            WHEN s.kind = 7 THEN CASE WHEN t.range_id = t.base_id THEN a.type_id ELSE t.range_id END END,
       s.vals
FROM fettle_twin.statistics_slots s
     JOIN pg_temp.fettle_attributes a ON (a.relation, a.attnum, a.is_object) = (s.relation, s.attnum, s.is_object)
     JOIN pg_temp.fettle_types t ON t.type_id = a.type_id;
TRUNCATE fettle_twin.statistics_slots;
