WITH made AS (
    SELECT * FROM unnest($2::bigint[], $3::text[], $5::float8[], $6::float8[], $7::float8[], $8::float8[], $9::integer[], $10::text[],
                         $11::real[], $12::real[], $13::real[])
        m(query_hash, metric_name, baseline_value, stddev_value, min_value, max_value, points, centres, scale, tail_low, tail_high)
), gone AS (
    DELETE FROM fettle.query_baselines b
    WHERE b.target_id = $1::bigint AND b.centres IS NOT NULL
      AND NOT EXISTS (SELECT FROM made m WHERE m.query_hash = b.query_hash AND m.metric_name = b.metric_name))
INSERT INTO fettle.query_baselines (target_id, query_hash, metric_name, step_ms, baseline_value, stddev_value, min_value, max_value,
                                    points, centres, scale, tail_low, tail_high)
SELECT $1::bigint, m.query_hash, m.metric_name, $4::bigint, m.baseline_value, m.stddev_value, m.min_value, m.max_value, m.points,
       m.centres::real[], m.scale, m.tail_low, m.tail_high
FROM made m
ON CONFLICT (target_id, query_hash, metric_name) DO UPDATE
SET step_ms = excluded.step_ms, baseline_value = excluded.baseline_value, stddev_value = excluded.stddev_value,
    min_value = excluded.min_value, max_value = excluded.max_value, points = excluded.points, centres = excluded.centres,
    scale = excluded.scale, tail_low = excluded.tail_low, tail_high = excluded.tail_high, baseline_period_days = 7, updated_at = now()
