WITH ended AS (
    UPDATE fettle.index_changes
       SET state = $2::text, success = $2::text = 'completed', error_message = $3::text, completed_at = clock_timestamp(),
           duration_ms = extract(epoch FROM clock_timestamp() - coalesce(started_at, performed_at)) * 1000
     WHERE id = $1::bigint AND state IN ('pending', 'running')
    RETURNING id, recommendation_id, action, index_name, success
), applied AS (
    UPDATE fettle.index_recommendations r
       SET status = CASE e.action WHEN 'create' THEN 'created' WHEN 'drop' THEN 'dropped' ELSE r.status END, applied_at = now(),
           index_name = coalesce(e.index_name, r.index_name)
      FROM ended e
     WHERE r.id = e.recommendation_id AND e.success
)
SELECT id FROM ended
