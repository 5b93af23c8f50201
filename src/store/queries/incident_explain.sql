UPDATE fettle.incidents
SET incident_type = $3::text, probable_cause = $4::text
WHERE target_id = $1::bigint AND id = $2::bigint AND NOT resolved
