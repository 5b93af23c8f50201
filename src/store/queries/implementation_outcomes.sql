SELECT r.source_type, coalesce(r.kind, ''), r.target_id, i.status, coalesce(i.predicted_percent, r.estimated_improvement_percent),
       i.actual_improvement_percent, i.stated_confidence, i.accuracy_score, c.factor
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id
  LEFT JOIN fettle.calibration c ON c.target_id = r.target_id AND c.source_type = r.source_type AND c.kind = coalesce(r.kind, '') AND c.results >= 5
 WHERE ($1::bigint IS NULL OR r.target_id = $1::bigint) AND i.status <> 'pending'
 ORDER BY i.id DESC
 LIMIT $2::bigint
