-- What was carried out for one index and is now to be written for another one, which the key cannot tell apart: the new one gets a
-- row of its own, so that it does not look carried out, too. The history keeps what was done.
WITH locked AS MATERIALIZED (
    -- all that may be written, by number: as the end of an index change locks them (index_change_end)
    SELECT x.id FROM fettle.index_recommendations x
     WHERE x.target_id = $1::bigint AND x.database_name = $2
     ORDER BY x.id
       FOR UPDATE
), wanted AS (
    -- as in index_recommendation_write
    SELECT DISTINCT ON (schema_name, table_name, columns, index_type, recommendation_type) *
      FROM jsonb_to_recordset($3::jsonb) AS g (
               schema_name text, table_name text, index_name text, columns jsonb, index_type text, is_unique boolean, predicate text,
               include_columns jsonb, recommendation_type text, estimated_benefit double precision)
     ORDER BY schema_name, table_name, columns, index_type, recommendation_type, estimated_benefit DESC NULLS LAST, index_name
)
DELETE FROM fettle.index_recommendations r
 USING wanted w
 WHERE (SELECT count(*) FROM locked) >= 0 AND r.target_id = $1::bigint AND r.database_name = $2 AND r.status IN ('created', 'dropped')
   AND w.schema_name = r.schema_name AND w.table_name = r.table_name AND w.columns = to_jsonb(r.columns)
   AND w.index_type = r.index_type AND w.recommendation_type = r.recommendation_type
   AND CASE r.recommendation_type
            -- Whoever created it may have named it otherwise; what is dropped or changed has its name.
            WHEN 'create' THEN (w.predicate, w.is_unique, w.include_columns)
                               IS DISTINCT FROM (r.predicate, r.is_unique, to_jsonb(r.include_columns))
            ELSE w.index_name IS DISTINCT FROM r.index_name END
