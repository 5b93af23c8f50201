-- Rounds that are packed already are in the times of their block.
INSERT INTO fettle.sample_rounds (target_id, collected_at, database_id, interval_ms, flags, data)
SELECT s.target_id, s.collected_at, s.database_id, s.interval_ms, s.flags, s.data
FROM unnest($1::bigint[], $2::timestamptz[], $3::integer[], $4::integer[], $5::integer[], $6::bytea[])
    AS s (target_id, collected_at, database_id, interval_ms, flags, data)
WHERE NOT EXISTS (
    SELECT FROM fettle.sample_times t
    WHERE t.target_id = s.target_id AND t.database_id = s.database_id
      AND t.starts_at = to_timestamp(floor(extract(epoch FROM s.collected_at) / 14400) * 14400)
      AND s.collected_at = ANY (t.collected_at))
ON CONFLICT (target_id, database_id, collected_at) DO NOTHING
