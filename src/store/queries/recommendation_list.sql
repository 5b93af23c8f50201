SELECT r.id, r.target_id, t.name, r.query_hash, r.fingerprint_hash, r.source_type, r.source_id, r.kind, r.recommendation_text,
       r.detailed_explanation, r.estimated_improvement_percent, r.improvement_basis, r.confidence_score, r.urgency_score, r.roi_score,
       r.expected_saving_ms_per_hour, r.expected_saving_low, r.expected_saving_high, r.implementation_complexity, r.is_dismissed,
       r.dismissal_reason, (extract(epoch FROM r.created_at) * 1000000)::bigint, (extract(epoch FROM r.updated_at) * 1000000)::bigint,
       (extract(epoch FROM c.planned_from) * 1000000)::bigint, c.moment
  FROM fettle.optimization_recommendations r
  JOIN fettle.targets t ON t.target_id = r.target_id
  LEFT JOIN fettle.scheduled_changes c ON c.recommendation_id = r.id AND c.state = 'waiting'
 WHERE ($1::bigint IS NULL OR r.id = $1::bigint)
   AND ($1::bigint IS NOT NULL OR (r.is_dismissed IS NOT TRUE AND coalesce(r.estimated_improvement_percent, 0) >= $5::double precision))
   AND ($2::bigint IS NULL OR r.target_id = $2::bigint) AND ($3::bigint IS NULL OR r.query_hash = $3::bigint)
   AND ($4::text IS NULL OR r.source_type = $4::text)
 ORDER BY r.roi_score DESC NULLS LAST, r.confidence_score DESC NULLS LAST, r.expected_saving_ms_per_hour DESC NULLS LAST, r.id
 LIMIT $6::bigint
