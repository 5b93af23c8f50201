-- name: sparse_typed
-- versions: 13-
TRUNCATE fettle_twin.statistics_typed, fettle_twin.statistics_values;
DROP TABLE IF EXISTS pg_temp.fettle_attributes;
CREATE TEMPORARY TABLE fettle_attributes USING heap AS
SELECT s.relation, s.attnum, s.is_object, coalesce(a.attcollation, 0) AS collation_id,
       CASE WHEN s.is_object THEN fettle_twin.object_expression_type(s.relation, s.attnum)
            WHEN i.indkey[s.attnum - 1] = 0 THEN fettle_twin.expression_type(i.indrelid, pg_get_indexdef(i.indexrelid, s.attnum, false))
            ELSE a.atttypid END AS type_id
FROM (SELECT DISTINCT relation, attnum, is_object FROM fettle_twin.statistics_slots) s
     LEFT JOIN pg_catalog.pg_attribute a ON NOT s.is_object AND a.attrelid = s.relation AND a.attnum = s.attnum AND NOT a.attisdropped
     LEFT JOIN pg_catalog.pg_index i ON NOT s.is_object AND i.indexrelid = s.relation;
DROP TABLE IF EXISTS pg_temp.fettle_used;
CREATE TEMPORARY TABLE fettle_used USING heap AS SELECT DISTINCT type_id FROM pg_temp.fettle_attributes WHERE type_id IS NOT NULL;
