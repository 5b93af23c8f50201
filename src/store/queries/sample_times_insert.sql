INSERT INTO fettle.sample_times (target_id, database_id, starts_at, collected_at, interval_ms, flags)
VALUES ($1::bigint, $2::integer, $3::timestamptz, $4::timestamptz[], $5::integer[], $6::integer[])
