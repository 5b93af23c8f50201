-- Was the window packed and added up, and have its blocks been dropped since? Then the day can never be added up again.
SELECT EXISTS (
    SELECT FROM fettle.sample_day_times d
    CROSS JOIN LATERAL unnest(d.observed_ms) WITH ORDINALITY u(observed_ms, number)
    WHERE d.target_id = $1::bigint AND d.database_id = $2::integer AND d.day = ($3::timestamptz AT TIME ZONE 'UTC')::date
      AND u.observed_ms > 0
      AND NOT EXISTS (
          SELECT FROM fettle.sample_times t
          WHERE t.target_id = d.target_id AND t.database_id = d.database_id
            AND t.starts_at = (d.day + (u.number - 1)::integer / 4 * interval '4 hours') AT TIME ZONE 'UTC'))
