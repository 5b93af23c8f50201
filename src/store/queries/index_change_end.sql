WITH ended AS (
    UPDATE fettle.index_changes
       SET state = $2::text, success = $2::text = 'completed', error_message = $3::text, completed_at = clock_timestamp(),
           duration_ms = extract(epoch FROM clock_timestamp() - coalesce(started_at, performed_at)) * 1000
     WHERE id = $1::bigint AND state IN ('pending', 'running')
    RETURNING id, recommendation_id, action, index_name, success
), applied AS (
    UPDATE fettle.index_recommendations r
       SET status = CASE e.action WHEN 'drop' THEN 'dropped' ELSE 'created' END, applied_at = now(),
           -- Whoever created it may have named it otherwise; what was modified is still known by its own name.
           index_name = CASE e.action WHEN 'create' THEN e.index_name ELSE r.index_name END
      FROM ended e
     WHERE r.id = e.recommendation_id AND e.success
)
SELECT id FROM ended
