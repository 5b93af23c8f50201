-- Taken out as they are read: what comes meanwhile stays.
DELETE FROM fettle.sample_rounds r
WHERE r.target_id = $1::bigint AND r.database_id = $2::integer AND r.collected_at >= $3::timestamptz
  AND r.collected_at < $4::timestamptz
RETURNING r.collected_at, r.interval_ms, r.flags, r.data
