-- SPDX-License-Identifier: PostgreSQL
-- What a database did hour by hour, and the patterns in it.

-- A database's day, summed up over its statements; written and taken back with the day's rows in sample_days, so that weeks of
-- a fleet are read without unpacking a statement. Each array has 24 hours, UTC.
CREATE TABLE fettle.database_days (
    target_id bigint NOT NULL,
    database_id integer NOT NULL,
    day date NOT NULL,
    observed_ms integer[] NOT NULL,
    calls bigint[] NOT NULL,
    "rows" bigint[] NOT NULL,
    exec_us bigint[] NOT NULL,
    blocks_hit bigint[] NOT NULL,
    blocks_read bigint[] NOT NULL,
    temp_blocks bigint[] NOT NULL,
    PRIMARY KEY (target_id, database_id, day)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN fettle.database_days.blocks_hit IS 'shared blocks; so are blocks_read';

INSERT INTO fettle.partitioned (table_name, column_name, step, kept, empty_after, row_bytes) VALUES
    ('database_days', 'day', '1 month', 'rollups', NULL, NULL);

-- The first day from a day on that is not wholly in database_days: rounds that are not packed or came late, blocks that are
-- not added up. Infinity: there is none.
CREATE FUNCTION fettle.database_days_open(target bigint, from_day date) RETURNS date
    LANGUAGE sql STABLE
    AS $$
    SELECT least(
        (SELECT (min(r.collected_at) AT TIME ZONE 'UTC')::date FROM fettle.sample_rounds r
          WHERE r.target_id = target AND r.collected_at >= from_day::timestamp AT TIME ZONE 'UTC'),
        (SELECT min(o.day) FROM fettle.sample_days_open o WHERE o.target_id = target AND o.day >= from_day),
        (SELECT min(t.day) FROM fettle.sample_day_times t
           LEFT JOIN fettle.database_days d ON d.target_id = t.target_id AND d.database_id = t.database_id AND d.day = t.day
          WHERE t.target_id = target AND t.day >= from_day AND d.day IS NULL),
        'infinity'::date)
    $$;

-- Hours of the databases of a target (or of one of them) in [from_at, to_at), both whole hours; rows only for what was observed.
CREATE FUNCTION fettle.database_hours(target bigint, from_at timestamptz, to_at timestamptz, only_name text DEFAULT NULL)
    RETURNS TABLE (database_name varchar(63), hour_at timestamptz, observed_ms bigint, calls bigint, exec_us bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
    AS $$
DECLARE
    open_day date := fettle.database_days_open(target, from_at::date);
    open_at timestamptz := greatest(from_at, least(open_day::timestamptz, to_at));
BEGIN
    RETURN QUERY
    SELECT h.database_name, h.hour_at, sum(h.observed_ms)::bigint, sum(h.calls)::bigint, sum(h.exec_us)::bigint
    FROM (
        SELECT n.database_name, d.day::timestamptz + (u.hour - 1) * interval '1 hour' AS hour_at, u.observed_ms::bigint, u.calls, u.exec_us
        FROM fettle.database_days d
        JOIN fettle.databases n ON n.target_id = d.target_id AND n.database_id = d.database_id
        CROSS JOIN LATERAL unnest(d.observed_ms, d.calls, d.exec_us) WITH ORDINALITY u(observed_ms, calls, exec_us, hour)
        WHERE d.target_id = target AND d.day >= from_at::date AND d.day < open_day AND d.day < to_at
          AND (only_name IS NULL OR n.database_name = only_name)
          AND d.day::timestamptz + (u.hour - 1) * interval '1 hour' BETWEEN from_at AND to_at - interval '1 hour' AND u.observed_ms > 0
        UNION ALL
        SELECT n.database_name, o.hour_at, max(o.observed_ms), sum(o.calls), round(sum(o.exec_ms) * 1000)::bigint
        FROM (
            SELECT r.database_id, date_trunc('hour', r.collected_at) AS hour_at,
                   round(max(r.interval_seconds) * 1000)::bigint AS observed_ms, sum(r.calls) AS calls, sum(r.total_exec_time_ms) AS exec_ms
            FROM fettle.sample_rows r
            WHERE r.target_id = target AND r.collected_at >= from_at AND r.collected_at < open_at
              AND (only_name IS NULL OR r.database_id IN (
                  SELECT k.database_id FROM fettle.databases k WHERE k.target_id = target AND k.database_name = only_name))
            GROUP BY r.database_id, date_trunc('hour', r.collected_at)) o
        JOIN fettle.databases n ON n.target_id = target AND n.database_id = o.database_id
        GROUP BY n.database_name, o.hour_at
        UNION ALL
        SELECT s.database_name, date_trunc('hour', s.collected_at), 0, sum(s.calls)::bigint, round(sum(s.total_exec_time_ms) * 1000)::bigint
        FROM fettle.samples(target, open_at, to_at) s
        WHERE only_name IS NULL OR s.database_name = only_name
        GROUP BY s.database_name, date_trunc('hour', s.collected_at)
        UNION ALL
        SELECT n.database_name, date_trunc('hour', i.collected_at), sum(i.interval_ms)::bigint, 0, 0
        FROM (
            SELECT t.database_id, u.collected_at, u.interval_ms
            FROM fettle.sample_times t CROSS JOIN LATERAL unnest(t.collected_at, t.interval_ms) u(collected_at, interval_ms)
            WHERE t.target_id = target AND t.starts_at > open_at - interval '4 hours' AND t.starts_at < to_at
            UNION ALL
            SELECT r.database_id, r.collected_at, r.interval_ms
            FROM fettle.sample_rounds r
            WHERE r.target_id = target AND r.collected_at >= open_at AND r.collected_at < to_at) i
        JOIN fettle.databases n ON n.target_id = target AND n.database_id = i.database_id
        WHERE i.collected_at >= open_at AND i.collected_at < to_at AND (only_name IS NULL OR n.database_name = only_name)
        GROUP BY n.database_name, date_trunc('hour', i.collected_at)) h
    GROUP BY h.database_name, h.hour_at
    ORDER BY h.database_name, h.hour_at;
END $$;

-- P(T > t) of Student's t, t > 0: half the regularised incomplete beta function I_x(freedom / 2, 1 / 2), by the same continued
-- fraction as distribution_beta() in C; the complete beta function of halves by its recurrence.
CREATE FUNCTION fettle.student_upper(t double precision, freedom integer) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    x double precision := freedom / (freedom + t * t);
    a double precision := freedom / 2.0::double precision;
    b double precision := 0.5;
    whole double precision := CASE WHEN freedom % 2 = 1 THEN pi() ELSE 2 END;
    is_turned boolean;
    c double precision := 1;
    d double precision;
    f double precision;
    step double precision;
    turned double precision;
BEGIN
    FOR n IN REVERSE freedom .. 3 BY 2 LOOP
        whole := whole * (n - 2) / (n - 1);
    END LOOP;
    is_turned := x >= (a + 1) / (a + b + 2);
    IF is_turned THEN
        x := 1 - x;
        turned := a;
        a := b;
        b := turned;
    END IF;
    IF x = 0 OR ln(x) * a < -700 THEN
        RETURN CASE WHEN is_turned THEN 0.5 ELSE 0 END;
    END IF;
    d := 1 / (1 - (a + b) * x / (a + 1));
    f := d;
    FOR m IN 1 .. 10000 LOOP
        step := m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d := 1 / (1 + step * d);
        c := 1 + step / c;
        f := f * d * c;
        step := -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d := 1 / (1 + step * d);
        c := 1 + step / c;
        f := f * d * c;
        EXIT WHEN abs(d * c - 1) < 1e-15;
    END LOOP;
    f := exp(a * ln(x) + b * ln(1 - x)) * f / (a * whole);
    RETURN (CASE WHEN is_turned THEN 1 - f ELSE f END) / 2;
END $$;

-- The cells of the rule (src/workload/pattern.h says it in words, pattern.c is the same in C): what of them is found, by calls
-- and by time. kind: hour, weekday's hour, day of month's hour; place counts as in C. NULL or NaN: not observed.
CREATE FUNCTION fettle.workload_cells(hours bigint[], calls double precision[], times double precision[])
    RETURNS TABLE (kind text, place integer, metric text, days integer, average double precision, relative double precision,
                   consistency double precision, recurrence double precision, confidence double precision, z double precision,
                   effect double precision, p_value double precision, is_found boolean)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
    SET enable_nestloop = off SET jit = off -- the planner thinks that an array has ten elements
    AS $$
    WITH sampled AS (
        SELECT (u.hour - ((u.hour % 24) + 24) % 24) / 24 AS day, (((u.hour % 24) + 24) % 24)::integer AS hour, u.calls, u.time_ms
        FROM unnest(hours, calls, times) u(hour, calls, time_ms)
        WHERE u.calls IS NOT NULL AND u.calls <> 'NaN'
    ), qualified AS (
        SELECT s.day FROM sampled s GROUP BY s.day HAVING count(*) >= 12
    ), known AS (
        SELECT s.day, s.hour, m.metric, m.value
        FROM sampled s
        CROSS JOIN LATERAL (VALUES ('count', s.calls), ('time', s.time_ms)) m(metric, value)
        WHERE s.day IN (SELECT q.day FROM qualified q) AND (SELECT count(*) FROM qualified) >= 7
    ), reference AS (
        SELECT k.day, k.metric, (array_agg(k.value ORDER BY k.value))[(count(*) - 1) / 4 + 1] AS value
        FROM known k GROUP BY k.day, k.metric
    ), risen AS (
        SELECT k.day, k.hour, k.metric, k.value, ln((k.value + 1) / (r.value + 1)) - ln(1.25::double precision) AS rise,
               k.value > 1.25 * r.value AS is_hit
        FROM known k JOIN reference r ON r.day = k.day AND r.metric = k.metric
    ), cell AS (
        SELECT p.kind, p.place, r.metric, count(*) AS n, avg(r.value) AS average, stddev_pop(r.value) AS deviation,
               avg(r.rise) AS rise, stddev_samp(r.rise) AS rise_deviation, count(*) FILTER (WHERE r.is_hit) AS hits
        FROM risen r
        CROSS JOIN LATERAL (VALUES
            ('hour', r.hour),
            ('weekday', ((((r.day + 4) % 7) + 7) % 7)::integer * 24 + r.hour),
            ('month', (extract(day FROM date '1970-01-01' + r.day::integer)::integer - 1) * 24 + r.hour)) p(kind, place)
        GROUP BY p.kind, p.place, r.metric HAVING count(*) >= 3
    ), tested AS (
        SELECT c.*, CASE WHEN c.rise_deviation < 1e-12 THEN CASE WHEN c.rise > 0 THEN 0 ELSE 1 END
                         WHEN c.rise <= 0 THEN 1
                         ELSE fettle.student_upper(c.rise / (c.rise_deviation / sqrt(c.n)), (c.n - 1)::integer) END AS p_value
        FROM cell c
    ), ranked AS (
        SELECT t.*, row_number() OVER w AS rank, count(*) OVER (PARTITION BY t.kind, t.metric) AS tests
        FROM tested t WINDOW w AS (PARTITION BY t.kind, t.metric ORDER BY t.p_value)
    ), limited AS (
        SELECT r.kind, r.metric, max(r.p_value) FILTER (WHERE r.p_value <= 0.01 * r.rank / r.tests) AS p_most,
               (array_agg(r.average ORDER BY r.average))[(count(*) - 1) / 4 + 1] AS quartile, avg(r.average) AS mean,
               stddev_pop(r.average) AS deviation
        FROM ranked r GROUP BY r.kind, r.metric
    ), judged AS (
        SELECT t.*, l.mean, l.deviation AS deviation_all,
               t.p_value <= l.p_most AND t.average >= 1.5 * l.quartile AS is_kept,
               CASE WHEN t.average > 0 THEN greatest(0, 1 - t.deviation / t.average) ELSE 0 END AS consistency,
               greatest(0, (s.share + 1.125 / t.n - 1.5 * sqrt(s.share * (1 - s.share) / t.n + 2.25 / (4 * t.n::double precision * t.n)))
                           / (1 + 2.25 / t.n::double precision)) AS recurrence
        FROM tested t
        JOIN limited l ON l.kind = t.kind AND l.metric = t.metric
        CROSS JOIN LATERAL (SELECT t.hits / t.n::double precision AS share) s
    ), sure AS (
        SELECT j.*, floor(least(0.95, j.consistency * j.recurrence) * 1e4 + 0.5) / 1e4 AS confidence FROM judged j
    )
    SELECT s.kind, s.place, s.metric, s.n::integer, s.average,
           CASE WHEN s.average > 0 THEN s.deviation / s.average ELSE 0 END, s.consistency, s.recurrence, s.confidence,
           round((CASE WHEN s.deviation_all < 1e-12 THEN 0 ELSE (s.average - s.mean) / s.deviation_all END)::numeric, 2)::double precision,
           exp(s.rise) * 1.25, s.p_value, coalesce(s.is_kept, false) AND s.confidence >= 0.5
    FROM sure s
    $$;

-- Runs of adjacent hours, over midnight: where each begins and how long it is.
CREATE FUNCTION fettle.workload_runs(hours integer[]) RETURNS TABLE (first integer, length integer)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF cardinality(hours) = 24 THEN
        first := 0;
        length := 24;
        RETURN NEXT;
        RETURN;
    END IF;
    FOR h IN 0 .. 23 LOOP
        IF h = ANY (hours) AND (h + 23) % 24 <> ALL (hours) THEN
            first := h;
            length := 1;
            WHILE (h + length) % 24 = ANY (hours) LOOP
                length := length + 1;
            END LOOP;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- A run's pattern: what its busiest hour has, as sure as its least sure hour. cells: the metadata of hours, by hour.
CREATE FUNCTION fettle.workload_run_metadata(cells jsonb, first integer, length integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (array_agg(h.metadata ORDER BY (h.metadata ->> 'affected_queries')::bigint DESC, h.i))[1]
           || jsonb_build_object('confidence', min((h.metadata ->> 'confidence')::numeric), 'hours', jsonb_agg(h.hour ORDER BY h.hour))
    FROM (SELECT i, (first + i) % 24 AS hour, cells -> ((first + i) % 24)::text AS metadata FROM generate_series(0, length - 1) i) h
    $$;

-- The patterns of a series, as src/workload/pattern.c finds them.
CREATE FUNCTION fettle.workload_patterns_of(hours bigint[], calls double precision[], times double precision[])
    RETURNS TABLE (pattern_type text, pattern_key text, pattern_metadata jsonb, description text)
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    weekdays CONSTANT text[] := ARRAY['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
    found jsonb;  -- one for a cell, by the surer metric; calls win a tie
    cells jsonb;  -- the metadata of those that are an hour's, by hour
    found_hours integer[];
    peaks integer[];
    by_time integer[];
    weekly_hours integer[];
    cell record;
    run record;
    words text;
BEGIN
    WITH every AS MATERIALIZED (SELECT c.* FROM fettle.workload_cells(hours, calls, times) c)
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', b.kind, 'place', b.place, 'by_time', NOT b.by_count, 'relative', b.relative,
                                                 'metadata', b.metadata) ORDER BY b.kind, b.place), '[]') INTO found
    FROM (
        SELECT DISTINCT ON (f.kind, f.place) f.kind, f.place, c.is_found AS by_count, c.relative,
               fettle.create_pattern_metadata(f.place % 24, c.relative, f.confidence, ceil(least(c.average, 2147483647))::integer)
               || jsonb_build_object('z_score_count', c.z, 'z_score_time', t.z, 'days_observed', f.days,
                                     'consistency_score', f.consistency, 'recurrence_score', f.recurrence, 'metric', f.metric,
                                     'effect_ratio', f.effect, 'p_value', f.p_value) AS metadata
        FROM every f
        JOIN every c ON c.kind = f.kind AND c.place = f.place AND c.metric = 'count'
        JOIN every t ON t.kind = f.kind AND t.place = f.place AND t.metric = 'time'
        WHERE f.is_found
        ORDER BY f.kind, f.place, f.confidence DESC, f.metric) b;
    SELECT coalesce(jsonb_object_agg(e ->> 'place', e -> 'metadata'), '{}'), coalesce(array_agg((e ->> 'place')::integer), '{}'),
           coalesce(array_agg((e ->> 'place')::integer) FILTER (WHERE (e ->> 'by_time')::boolean), '{}')
      INTO cells, found_hours, by_time
      FROM jsonb_array_elements(found) e WHERE e ->> 'kind' = 'hour';
    peaks := found_hours;
    FOR run IN SELECT r.first, r.length FROM fettle.workload_runs(by_time) r WHERE r.length BETWEEN 2 AND 3 LOOP
        CONTINUE WHEN EXISTS (SELECT FROM jsonb_array_elements(found) e
                               WHERE e ->> 'kind' = 'hour' AND ((e ->> 'place')::integer - run.first + 24) % 24 < run.length
                                 AND NOT (e ->> 'relative')::double precision > 0.5);
        peaks := ARRAY(SELECT p FROM unnest(peaks) p WHERE (p - run.first + 24) % 24 >= run.length);
        words := to_char(run.first, 'FM00') || '-' || to_char((run.first + run.length - 1) % 24, 'FM00');
        pattern_type := 'batch_job';
        pattern_key := 'b' || words;
        pattern_metadata := fettle.workload_run_metadata(cells, run.first, run.length);
        description := format('Batch job detected in hours %s UTC (%s%% confidence)', replace(words, '-', ' to '),
                              floor((pattern_metadata ->> 'confidence')::numeric * 100 + 0.5));
        RETURN NEXT;
    END LOOP;
    FOR run IN SELECT r.first, r.length FROM fettle.workload_runs(peaks) r WHERE r.length >= 6 LOOP
        words := to_char(run.first, 'FM00') || '-' || to_char((run.first + run.length - 1) % 24, 'FM00');
        pattern_type := 'daily_cycle';
        pattern_key := 'd' || words;
        pattern_metadata := fettle.workload_run_metadata(cells, run.first, run.length);
        description := format('Daily busy hours %s UTC detected (%s%% confidence)', replace(words, '-', ' to '),
                              floor((pattern_metadata ->> 'confidence')::numeric * 100 + 0.5));
        RETURN NEXT;
    END LOOP;
    weekly_hours := ARRAY(SELECT DISTINCT (e ->> 'place')::integer % 24 FROM jsonb_array_elements(found) e
                           WHERE e ->> 'kind' = 'weekday' AND (e ->> 'place')::integer % 24 <> ALL (found_hours));
    FOR cell IN SELECT e ->> 'kind' AS kind, (e ->> 'place')::integer / 24 AS day, (e ->> 'place')::integer % 24 AS hour,
                       e -> 'metadata' AS metadata
                  FROM jsonb_array_elements(found) e LOOP
        CONTINUE WHEN cell.kind = 'hour' AND cell.hour <> ALL (peaks);
        CONTINUE WHEN cell.kind <> 'hour' AND cell.hour = ANY (found_hours);
        CONTINUE WHEN cell.kind = 'month' AND cell.hour = ANY (weekly_hours);
        pattern_type := CASE cell.kind WHEN 'hour' THEN 'hourly_peak' WHEN 'weekday' THEN 'weekly_pattern' ELSE 'monthly_pattern' END;
        pattern_key := CASE cell.kind WHEN 'hour' THEN '' WHEN 'weekday' THEN 'dow' || cell.day
                                      ELSE 'dom' || to_char(cell.day + 1, 'FM00') END || 'h' || to_char(cell.hour, 'FM00');
        pattern_metadata := cell.metadata || CASE cell.kind WHEN 'hour' THEN '{}' WHEN 'weekday' THEN jsonb_build_object('weekday', cell.day)
                                                            ELSE jsonb_build_object('day_of_month', cell.day + 1) END;
        description := format('Peak load detected %sat hour %s UTC (%s%% confidence)',
                              CASE cell.kind WHEN 'hour' THEN '' WHEN 'weekday' THEN format('on %s ', weekdays[cell.day + 1])
                                             ELSE format('on day %s of the month ', cell.day + 1) END,
                              cell.hour, floor((cell.metadata ->> 'confidence')::numeric * 100 + 0.5));
        RETURN NEXT;
    END LOOP;
END $$;

-- Finds the patterns of a database on each target that has one of the name, and keeps them: refreshed, not doubled; what is not
-- found any more goes. It runs with its owner's rights, for it reads what samples are packed in.
CREATE FUNCTION fettle.detect_workload_patterns(database_name text, lookback_days integer DEFAULT 30)
    RETURNS TABLE (pattern_id bigint, pattern_type varchar(50), confidence double precision)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
    AS $$
#variable_conflict use_column
DECLARE
    target bigint;
    from_at timestamptz;
    to_at timestamptz := date_trunc('hour', now()) + interval '1 hour';
    ids bigint[];
BEGIN
    IF coalesce(database_name, '') = '' THEN
        RAISE invalid_parameter_value USING MESSAGE = 'database_name is required';
    ELSIF lookback_days IS NULL OR lookback_days < 7 THEN
        RAISE invalid_parameter_value USING MESSAGE = 'lookback_days must be at least 7';
    END IF;
    from_at := date_trunc('hour', now() - least(lookback_days, 365) * interval '1 day');
    FOR target IN SELECT DISTINCT d.target_id FROM fettle.databases d
                   WHERE d.database_name = detect_workload_patterns.database_name ORDER BY d.target_id LOOP
        ids := '{}';
        FOR pattern_id, pattern_type, confidence IN
            WITH series AS (
                SELECT array_agg(floor(extract(epoch FROM h.hour_at) / 3600)::bigint) AS hours,
                       array_agg(h.calls::double precision) AS calls,
                       array_agg(coalesce(h.exec_us / 1000.0::double precision / nullif(h.calls, 0), 0)) AS times
                FROM fettle.database_hours(target, from_at, to_at, detect_workload_patterns.database_name) h)
            INSERT INTO fettle.workload_patterns AS w (target_id, database_name, pattern_type, pattern_key, pattern_metadata,
                                                       detection_timestamp, description, affected_query_count)
            SELECT target, detect_workload_patterns.database_name, p.pattern_type, p.pattern_key, p.pattern_metadata, now(),
                   p.description, (p.pattern_metadata ->> 'affected_queries')::integer
            FROM series s, fettle.workload_patterns_of(s.hours, s.calls, s.times) p
            ON CONFLICT (target_id, database_name, pattern_type, pattern_key) DO UPDATE
            SET pattern_metadata = excluded.pattern_metadata, detection_timestamp = excluded.detection_timestamp,
                description = excluded.description, affected_query_count = excluded.affected_query_count
            RETURNING w.id, w.pattern_type, (w.pattern_metadata ->> 'confidence')::double precision
        LOOP
            ids := ids || pattern_id;
            RETURN NEXT;
        END LOOP;
        DELETE FROM fettle.workload_patterns w
        WHERE w.target_id = target AND w.database_name = detect_workload_patterns.database_name AND w.id <> ALL (ids);
    END LOOP;
END $$;
COMMENT ON FUNCTION fettle.detect_workload_patterns IS 'the same rule as POST /api/v1/workload-patterns/analyze';

-- The grants so far, and what this migration added to them.
ALTER FUNCTION fettle.access_grant() RENAME TO access_grant_before_workload;
CREATE FUNCTION fettle.access_grant() RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    IF NOT fettle.access_grant_before_workload() THEN
        RETURN false;
    END IF;
    GRANT EXECUTE ON FUNCTION fettle.detect_workload_patterns(text, integer) TO fettle_writer;
    RETURN true;
END $$;

SELECT fettle.partitions_make_ahead(now());
