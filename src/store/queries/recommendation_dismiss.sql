-- Its suggestion is dismissed with it, so that no analysis brings it back: of an index also one that was undone, whose cool-down
-- (index_recommendation_write) ends with this. The index recommendation is locked first, as by the end of its change
-- (implementation_follow).
WITH source AS MATERIALIZED (
    SELECT x.id
      FROM fettle.optimization_recommendations r JOIN fettle.index_recommendations x ON x.id = r.source_id AND x.target_id = r.target_id
     WHERE r.id = $1::bigint AND r.source_type = 'index'
       FOR NO KEY UPDATE OF x
), dismissed AS (
    UPDATE fettle.optimization_recommendations SET is_dismissed = true, dismissal_reason = $2::text, updated_at = now()
     WHERE id = $1::bigint AND (SELECT count(*) FROM source) >= 0
    RETURNING target_id, source_type, source_id
), rewrites AS (
    UPDATE fettle.query_rewrite_suggestions w SET dismissed = true, updated_at = now()
      FROM dismissed d WHERE d.source_type = 'rewrite' AND w.id = d.source_id AND w.target_id = d.target_id
), indexes AS (
    UPDATE fettle.index_recommendations x SET status = 'rejected', applied_at = NULL, undone_benefit = NULL, undone_size_bytes = NULL
      FROM dismissed d
     WHERE d.source_type = 'index' AND x.id = d.source_id AND x.target_id = d.target_id AND x.status IN ('recommended', 'rejected')
)
SELECT target_id FROM dismissed
