SELECT s.database_name, (extract(epoch FROM s.taken_at) * 1000000)::bigint, s.data
FROM fettle.target_snapshots s
WHERE s.target_id = $1::bigint AND s.database_name = $2::text
