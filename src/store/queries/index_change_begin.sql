WITH checked AS MATERIALIZED (
    SELECT fettle.pause_check($2::bigint, $13::boolean)
)
INSERT INTO fettle.index_changes (recommendation_id, target_id, database_name, action, schema_name, table_name, index_name, columns,
                                  index_type, sql, undo_sql, performed_by, is_undo, begin_before, state)
SELECT $1::bigint, $2::bigint, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11, $12, $13::boolean,
       timestamptz 'epoch' + $14::bigint * interval '1 microsecond', 'pending' FROM checked
RETURNING id
