SELECT i.id, i.recommendation_id, r.target_id, t.name, i.query_hash, r.source_type, r.kind, r.recommendation_text, i.implementation_notes,
       i.pre_optimization_stats, i.post_optimization_stats, coalesce(i.predicted_percent, r.estimated_improvement_percent),
       i.actual_improvement_percent, i.actual_low, i.actual_high, i.actual_improvement_seconds, i.accuracy_score, r.confidence_score, i.status,
       i.error_message, (extract(epoch FROM i.implementation_timestamp) * 1000000)::bigint, (extract(epoch FROM i.measured_at) * 1000000)::bigint,
       (extract(epoch FROM i.rolled_back_at) * 1000000)::bigint, i.index_change_id, i.undo_change_id, i.undo_reason, i.harm, c.undo_sql, c.database_name,
       (extract(epoch FROM i.enough_data_at) * 1000000)::bigint, i.detectable_percent,
       coalesce(i.undo_remark, CASE WHEN u.success THEN u.error_message END)
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
  JOIN fettle.targets t ON t.target_id = r.target_id
  LEFT JOIN fettle.index_changes c ON c.id = i.index_change_id
  LEFT JOIN fettle.index_changes u ON u.id = i.undo_change_id
 WHERE ($1::bigint IS NULL OR i.id = $1::bigint) AND ($2::bigint IS NULL OR i.recommendation_id = $2::bigint)
   AND ($3::text IS NULL OR i.status = $3::text)
 ORDER BY i.implementation_timestamp DESC, i.id DESC
 LIMIT $4::bigint
