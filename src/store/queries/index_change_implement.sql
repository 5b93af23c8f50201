WITH change AS (
    SELECT c.id, c.target_id, c.database_name, c.action, c.schema_name, c.table_name, c.index_name, c.recommendation_id, r.reason,
           r.estimated_benefit, r.confidence_score
      FROM fettle.index_changes c LEFT JOIN fettle.index_recommendations r ON r.id = c.recommendation_id
     WHERE c.id = $1::bigint AND c.success
       -- what carries out or undoes an implementation that is on record is told to that one (implementation_follow)
       AND NOT EXISTS (SELECT FROM fettle.optimization_implementations i WHERE c.id IN (i.index_change_id, i.undo_change_id))
), known AS (
    UPDATE fettle.optimization_recommendations o SET is_dismissed = true, dismissal_reason = 'implemented', updated_at = now()
      FROM change c
     WHERE o.target_id = c.target_id AND o.source_type = 'index' AND o.source_id = c.recommendation_id
    RETURNING o.id, o.query_hash
), made AS (
    INSERT INTO fettle.optimization_recommendations (target_id, source_type, source_id, recommendation_text, detailed_explanation,
           estimated_improvement_percent, confidence_score, implementation_complexity, is_dismissed, dismissal_reason)
    SELECT target_id, 'index', recommendation_id,
           initcap(action) || ' index ' || index_name || ' on ' || schema_name || '.' || table_name, reason, estimated_benefit,
           confidence_score, CASE action WHEN 'create' THEN 'high' ELSE 'medium' END, true, 'implemented'
      FROM change
     WHERE NOT EXISTS (SELECT FROM known)
    RETURNING id, query_hash
)
INSERT INTO fettle.optimization_implementations (recommendation_id, query_hash, implementation_notes, index_change_id, pre_optimization_stats)
SELECT o.id, o.query_hash, 'index change ' || c.id, c.id,
       (SELECT CASE WHEN count(*) > 0 THEN jsonb_build_object(
                   'mean_exec_time_ms', sum(q.calls * q.mean_exec_time_ms) / nullif(sum(q.calls), 0), 'calls', sum(q.calls),
                   'calls_per_sec', sum(q.calls_per_hour) / 3600, 'calls_per_hour', sum(q.calls_per_hour),
                   'total_time_ms', sum(q.calls * q.mean_exec_time_ms), 'rows', sum(q."rows"),
                   'p95_exec_time_ms', CASE WHEN count(*) = 1 THEN max(q.p95_exec_time_ms) END,
                   'p99_exec_time_ms', CASE WHEN count(*) = 1 THEN max(q.p99_exec_time_ms) END, 'collected_at', max(q.collected_at)) END
          FROM fettle.v_query_latest q
         WHERE q.target_id = c.target_id AND q.database_name = c.database_name
           AND (o.query_hash IS NULL OR q.query_hash = o.query_hash))
  FROM change c CROSS JOIN (SELECT * FROM known UNION ALL SELECT * FROM made) o
