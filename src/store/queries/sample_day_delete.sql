WITH statements AS (
    DELETE FROM fettle.sample_days d
    WHERE d.target_id = $1::bigint AND d.day = ($3::timestamptz AT TIME ZONE 'UTC')::date
      AND d.statement_id IN (
          SELECT b.statement_id FROM fettle.sample_blocks b
          WHERE b.target_id = $1::bigint AND b.database_id = $2::integer
            AND b.starts_at >= date_trunc('day', $3::timestamptz, 'UTC')
            AND b.starts_at < date_trunc('day', $3::timestamptz, 'UTC') + interval '24 hours')),
database AS (
    DELETE FROM fettle.database_days d
    WHERE d.target_id = $1::bigint AND d.database_id = $2::integer AND d.day = ($3::timestamptz AT TIME ZONE 'UTC')::date)
DELETE FROM fettle.sample_day_times d
WHERE d.target_id = $1::bigint AND d.database_id = $2::integer AND d.day = ($3::timestamptz AT TIME ZONE 'UTC')::date
