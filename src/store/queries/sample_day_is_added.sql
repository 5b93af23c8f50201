SELECT EXISTS (
    SELECT FROM fettle.sample_day_times d
    WHERE d.target_id = $1::bigint AND d.database_id = $2::integer AND d.day = ($3::timestamptz AT TIME ZONE 'UTC')::date)
