UPDATE fettle.optimization_recommendations SET is_dismissed = true, dismissal_reason = $2::text, updated_at = now() WHERE id = $1::bigint
RETURNING target_id
