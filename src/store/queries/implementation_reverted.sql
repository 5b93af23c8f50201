-- The index recommendation is locked first, as by the end of its change (implementation_follow).
WITH source AS MATERIALIZED (
    SELECT x.id
      FROM fettle.optimization_implementations i JOIN fettle.index_changes c ON c.id = i.index_change_id
      JOIN fettle.index_recommendations x ON x.id = c.recommendation_id
     WHERE i.id = $1::bigint
       FOR NO KEY UPDATE OF x
), undone AS (
    UPDATE fettle.optimization_implementations SET status = 'reverted', rolled_back_at = now(), undo_reason = $2::text, error_message = NULL,
           undo_remark = $3::text
     WHERE id = $1::bigint AND undo_change_id IS NULL AND status <> 'reverted' AND (SELECT count(*) FROM source) >= 0
    RETURNING id, recommendation_id, index_change_id
), closed AS (
    UPDATE fettle.optimization_recommendations r SET is_dismissed = true, dismissal_reason = 'reverted', updated_at = now()
      FROM undone u WHERE r.id = u.recommendation_id
), cooled AS (
    UPDATE fettle.index_recommendations x
       SET status = 'rejected', applied_at = now(), undone_benefit = x.estimated_benefit, undone_size_bytes = x.size_bytes
      FROM undone u JOIN fettle.index_changes c ON c.id = u.index_change_id
     WHERE x.id = c.recommendation_id
)
SELECT id FROM undone
