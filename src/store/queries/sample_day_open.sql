INSERT INTO fettle.sample_days_open (target_id, database_id, day)
VALUES ($1::bigint, $2::integer, ($3::timestamptz AT TIME ZONE 'UTC')::date)
ON CONFLICT DO NOTHING
