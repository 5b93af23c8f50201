-- The index recommendations are locked first, and by their number, as whoever writes them does (index_recommendation_write) and as
-- what follows the change's end does again (implementation_follow): in one order nobody waits for each other.
WITH source AS MATERIALIZED (
    SELECT x.id
      FROM fettle.index_recommendations x
     WHERE x.id IN (SELECT c.recommendation_id FROM fettle.index_changes n
                      JOIN fettle.index_changes c ON c.id = n.id OR (c.target_id = n.target_id AND c.database_name = n.database_name
                           AND c.schema_name = n.schema_name AND c.table_name = n.table_name AND c.index_name = n.index_name)
                     WHERE n.id = $1::bigint)
     ORDER BY x.id
       FOR NO KEY UPDATE OF x
), ended AS (
    UPDATE fettle.index_changes
       SET state = $2::text, success = $2::text = 'completed', error_message = $3::text, completed_at = clock_timestamp(),
           duration_ms = extract(epoch FROM clock_timestamp() - coalesce(started_at, performed_at)) * 1000
     WHERE id = $1::bigint AND state IN ('pending', 'running') AND (SELECT count(*) FROM source) >= 0
    RETURNING *
), applied AS (
    UPDATE fettle.index_recommendations r
       SET status = CASE e.action WHEN 'drop' THEN 'dropped' ELSE 'created' END, applied_at = now(),
           -- Whoever created it may have named it otherwise; what was modified is still known by its own name.
           index_name = CASE e.action WHEN 'create' THEN e.index_name ELSE r.index_name END
      FROM ended e
     WHERE r.id = e.recommendation_id AND e.success
)
SELECT id, fettle.notice_record(target_id, CASE WHEN success THEN 'index.completed' ELSE 'index.failed' END,
           jsonb_build_object('change_id', id, 'recommendation_id', recommendation_id, 'state', state, 'action', action,
                              'database_name', database_name, 'schema_name', schema_name, 'table_name', table_name,
                              'index_name', index_name, 'statement', sql, 'undo', undo_sql, 'error_message', error_message,
                              'duration_ms', duration_ms, 'performed_by', performed_by),
           'index change ' || id)
  FROM ended
