INSERT INTO fettle.sample_day_times (target_id, database_id, day, observed_ms, flags)
VALUES ($1::bigint, $2::integer, ($3::timestamptz AT TIME ZONE 'UTC')::date, $4::integer[], $5::integer[])
