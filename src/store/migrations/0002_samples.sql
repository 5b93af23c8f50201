-- SPDX-License-Identifier: PostgreSQL
-- Samples of statements: the journal, the blocks it is packed into, the days they are added up to; rows that people and
-- imports insert; what reads them all in SQL. src/store/sample_codec.h draws the packed format.

-- Tables in partitions by time. What keeps them (sample_partitions_keep) reads this table; later migrations add theirs.
-- There is no default partition: it would hide a missing one, and every new one would have to scan it. A row without a
-- partition is an error, and its writer makes the partition and writes again.
CREATE TABLE fettle.partitioned (
    table_name name PRIMARY KEY,
    column_name name NOT NULL,
    step interval NOT NULL CHECK (step IN ('1 day', '1 month')),
    kept text NOT NULL CHECK (kept IN ('samples', 'rollups', 'audit')),
    empty_after interval
);
COMMENT ON COLUMN fettle.partitioned.kept IS 'the retention setting that says when a partition is dropped';
COMMENT ON COLUMN fettle.partitioned.empty_after IS 'a partition so old is dropped earlier when it is empty; NULL: not earlier';

CREATE FUNCTION fettle.partition_name(parent name, step interval, at timestamptz) RETURNS name
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT (parent || '_' || to_char(at AT TIME ZONE 'UTC', CASE WHEN step = '1 day' THEN 'YYYYMMDD' ELSE 'YYYYMM' END))::name $$;

-- Makes the partition that holds a time; false when it is there. Attaching an empty table locks the parent less than
-- CREATE TABLE ... PARTITION OF does: readers and writers go on.
CREATE FUNCTION fettle.partition_make(parent name, at timestamptz) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
DECLARE
    kind fettle.partitioned;
    first timestamptz;
    after timestamptz;
    child name;
BEGIN
    SELECT * INTO STRICT kind FROM fettle.partitioned p WHERE p.table_name = parent;
    first := date_trunc(CASE WHEN kind.step = '1 day' THEN 'day' ELSE 'month' END, at, 'UTC');
    after := (first AT TIME ZONE 'UTC' + kind.step) AT TIME ZONE 'UTC';
    child := fettle.partition_name(parent, kind.step, first);
    IF to_regclass(format('fettle.%I', child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('fettle.partition_make', 0));
    IF to_regclass(format('fettle.%I', child)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE fettle.%I (LIKE fettle.%I INCLUDING ALL)', child, parent);
    EXECUTE format('ALTER TABLE fettle.%I ATTACH PARTITION fettle.%I FOR VALUES FROM (%L) TO (%L)', parent, child,
                   to_char(first AT TIME ZONE 'UTC', 'YYYY-MM-DD 00:00:00+00'), to_char(after AT TIME ZONE 'UTC', 'YYYY-MM-DD 00:00:00+00'));
    RETURN true;
END $$;

-- The partitions of the step that holds a time and of the next three, of every table; how many were made.
CREATE FUNCTION fettle.partitions_make_ahead(at timestamptz) RETURNS bigint
    LANGUAGE sql
    AS $$
    SELECT count(*) FILTER (WHERE fettle.partition_make(p.table_name, (at AT TIME ZONE 'UTC' + ahead * p.step) AT TIME ZONE 'UTC'))
    FROM fettle.partitioned p, generate_series(0, 3) ahead
    $$;

-- Drops the partitions that ended before their time to be kept, and rows of the tables that have none; how many
-- partitions were dropped.
CREATE FUNCTION fettle.partitions_drop(at timestamptz, samples_kept interval, rollups_kept interval) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
DECLARE
    part record;
    is_empty boolean;
    dropped bigint := 0;
BEGIN
    FOR part IN
        SELECT c.relname, p.empty_after, e.ends_at,
               CASE p.kept WHEN 'samples' THEN samples_kept WHEN 'rollups' THEN rollups_kept END AS kept_for
        FROM fettle.partitioned p
        JOIN pg_class parent ON parent.relname = p.table_name AND parent.relnamespace = 'fettle'::regnamespace
        JOIN pg_inherits i ON i.inhparent = parent.oid
        JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL (SELECT (to_timestamp(substring(c.relname::text FROM '[0-9]+$'), CASE WHEN p.step = '1 day' THEN 'YYYYMMDD' ELSE 'YYYYMM' END)::timestamp
                                    + p.step) AT TIME ZONE 'UTC' AS ends_at) e
        ORDER BY e.ends_at, c.relname
    LOOP
        IF part.ends_at <= at - part.kept_for THEN
            is_empty := true;
        ELSIF part.ends_at <= at - part.empty_after THEN
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM fettle.%I)', part.relname) INTO is_empty;
        ELSE
            is_empty := false;
        END IF;
        IF is_empty THEN
            EXECUTE format('DROP TABLE fettle.%I', part.relname);
            dropped := dropped + 1;
        END IF;
    END LOOP;
    DELETE FROM fettle.sample_rows WHERE collected_at < at - samples_kept;
    DELETE FROM fettle.sample_days_open WHERE day < ((at - samples_kept) AT TIME ZONE 'UTC')::date;
    RETURN dropped;
END $$;

-- The journal: one row for a round of a database, until it is packed and deleted. What is in it is in no block, so reading
-- both counts nothing twice. data is not compressed: it lives for hours, and compressing would cost more than all else.
CREATE TABLE fettle.sample_rounds (
    target_id bigint NOT NULL,
    collected_at timestamptz NOT NULL,
    database_id integer NOT NULL,
    interval_ms integer NOT NULL,
    flags integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (target_id, database_id, collected_at)
) PARTITION BY RANGE (collected_at);
ALTER TABLE fettle.sample_rounds ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON COLUMN fettle.sample_rounds.data IS 'a pack by statement_id; empty: no activity';

-- The rounds that a block's positions count, for each database and four hours from 00, 04 ... 20 UTC on.
CREATE TABLE fettle.sample_times (
    target_id bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    database_id integer NOT NULL,
    collected_at timestamptz[] NOT NULL,
    interval_ms integer[] NOT NULL,
    flags integer[] NOT NULL,
    PRIMARY KEY (target_id, database_id, starts_at)
) PARTITION BY RANGE (starts_at);

CREATE TABLE fettle.sample_blocks (
    target_id bigint NOT NULL,
    starts_at timestamptz NOT NULL,
    statement_id integer NOT NULL,
    database_id integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (target_id, statement_id, starts_at)
) PARTITION BY RANGE (starts_at);
ALTER TABLE fettle.sample_blocks ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON COLUMN fettle.sample_blocks.data IS 'a pack by the number of the round in fettle.sample_times';

-- Days, once all their blocks are packed. A day of a database is here exactly when it has a row in sample_day_times.
CREATE TABLE fettle.sample_day_times (
    target_id bigint NOT NULL,
    database_id integer NOT NULL,
    day date NOT NULL,
    observed_ms integer[] NOT NULL,
    flags integer[] NOT NULL,
    PRIMARY KEY (target_id, database_id, day)
) PARTITION BY RANGE (day);
COMMENT ON COLUMN fettle.sample_day_times.observed_ms IS 'for each hour of the day, the sum of the intervals of the rounds that ended in it';

CREATE TABLE fettle.sample_days (
    target_id bigint NOT NULL,
    statement_id integer NOT NULL,
    day date NOT NULL,
    calls bigint NOT NULL,
    "rows" bigint NOT NULL,
    exec_us bigint NOT NULL,
    io_blocks bigint NOT NULL,
    temp_blocks bigint NOT NULL,
    wal_bytes bigint NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (target_id, statement_id, day)
) PARTITION BY RANGE (day);
ALTER TABLE fettle.sample_days ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON COLUMN fettle.sample_days.data IS 'a pack by the hour of the day';
COMMENT ON COLUMN fettle.sample_days.io_blocks IS 'shared, local and temporary blocks read and written';

-- Days with packed blocks that are not added up: written with the blocks, deleted with the adding up.
CREATE TABLE fettle.sample_days_open (
    target_id bigint NOT NULL,
    day date NOT NULL,
    database_id integer NOT NULL,
    PRIMARY KEY (target_id, day, database_id)
);

INSERT INTO fettle.partitioned (table_name, column_name, step, kept, empty_after) VALUES
    ('sample_rounds', 'collected_at', '1 day', 'samples', '1 day'),
    ('sample_times', 'starts_at', '1 day', 'samples', NULL),
    ('sample_blocks', 'starts_at', '1 day', 'samples', NULL),
    ('sample_day_times', 'day', '1 month', 'rollups', NULL),
    ('sample_days', 'day', '1 month', 'rollups', NULL);

-- Samples inserted through fettle.metrics_pg_stats_query: by hand, by imports, by tests.
CREATE TABLE fettle.sample_rows (
    target_id bigint NOT NULL REFERENCES fettle.targets ON DELETE CASCADE,
    statement_id integer NOT NULL,
    collected_at timestamptz NOT NULL,
    database_id integer NOT NULL,
    interval_seconds double precision NOT NULL CHECK (interval_seconds > 0 AND interval_seconds < 1e9),
    calls bigint NOT NULL CHECK (calls >= 0),
    "rows" bigint CHECK ("rows" >= 0),
    total_exec_time_ms double precision CHECK (total_exec_time_ms >= 0 AND total_exec_time_ms < 9e15),
    mean_exec_time_ms double precision CHECK (mean_exec_time_ms >= 0 AND mean_exec_time_ms < 9e15),
    min_exec_time_ms double precision,
    max_exec_time_ms double precision,
    stddev_exec_time_ms double precision CHECK (stddev_exec_time_ms >= 0 AND stddev_exec_time_ms < 9e15),
    p95_exec_time_ms double precision,
    p99_exec_time_ms double precision,
    calls_per_sec double precision,
    shared_blks_hit bigint,
    shared_blks_read bigint,
    shared_blks_dirtied bigint,
    shared_blks_written bigint,
    local_blks_hit bigint,
    local_blks_read bigint,
    local_blks_dirtied bigint,
    local_blks_written bigint,
    temp_blks_read bigint,
    temp_blks_written bigint,
    blk_read_time_ms double precision CHECK (blk_read_time_ms < 9e15),
    blk_write_time_ms double precision CHECK (blk_write_time_ms < 9e15),
    wal_records bigint,
    wal_fpi bigint,
    wal_bytes bigint,
    plan_time_ms double precision CHECK (plan_time_ms < 9e15),
    PRIMARY KEY (target_id, statement_id, collected_at),
    CHECK (least(shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written, local_blks_hit, local_blks_read,
                 local_blks_dirtied, local_blks_written, temp_blks_read, temp_blks_written, blk_read_time_ms,
                 blk_write_time_ms, wal_records, wal_fpi, wal_bytes, plan_time_ms) >= 0)
);
CREATE INDEX sample_rows_time ON fettle.sample_rows (target_id, collected_at);

-- count varints from the byte at on, and where the next thing begins.
CREATE FUNCTION fettle.sample_varints(data bytea, at integer, count integer, OUT numbers bigint[], OUT next integer)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    byte integer;
    number bigint;
    shift integer;
BEGIN
    next := at;
    numbers := '{}';
    FOR i IN 1 .. count LOOP
        byte := get_byte(data, next);
        next := next + 1;
        number := byte & 127;
        shift := 7;
        WHILE byte > 127 LOOP
            byte := get_byte(data, next);
            next := next + 1;
            number := number | ((byte & 127)::bigint << shift);
            shift := shift + 7;
        END LOOP;
        numbers[i] := number;
    END LOOP;
END $$;

-- Packed numbers from the byte at on. Each is cut out of the bits with a zero before it, so that 63 of them are no negative
-- bigint; then come those that were too wide.
CREATE FUNCTION fettle.sample_numbers(data bytea, bits bit varying, at integer, count integer, OUT numbers bigint[], OUT next integer)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
DECLARE
    width integer := get_byte(data, at);
    list bigint[];
    place bigint := 0;
BEGIN
    IF width > 63 THEN
        RAISE data_corrupted USING MESSAGE = 'packed samples are damaged';
    ELSIF width = 0 THEN
        numbers := array_fill(0::bigint, ARRAY[count]);
    ELSE
        SELECT array_agg((B'0' || substring(bits, (at + 1) * 8 + 1 + i * width, width))::bit(64)::bigint >> (63 - width)) INTO numbers
        FROM generate_series(0, count - 1) i;
    END IF;
    SELECT v.numbers, v.next INTO list, next FROM fettle.sample_varints(data, at + 1 + (count * width + 7) / 8, 1) v;
    IF list[1] > 0 THEN
        SELECT v.numbers, v.next INTO list, next FROM fettle.sample_varints(data, next, 2 * list[1]::integer) v;
        FOR i IN 1 .. cardinality(list) / 2 LOOP
            place := place + list[2 * i - 1] + 1;
            numbers[place] := numbers[place] | (list[2 * i] << width);
        END LOOP;
    END IF;
END $$;

-- A pack: a row for each position, which is a statement, a round or an hour. The same as sample_pack_decode() in C.
CREATE FUNCTION fettle.sample_pack(data bytea, position_limit bigint) RETURNS TABLE (
    "position" integer,
    calls bigint,
    "rows" bigint,
    exec_us bigint,
    exec_deviation_us bigint,
    plan_us bigint,
    shared_blks_hit bigint,
    shared_blks_read bigint,
    shared_blks_dirtied bigint,
    shared_blks_written bigint,
    local_blks_hit bigint,
    local_blks_read bigint,
    local_blks_dirtied bigint,
    local_blks_written bigint,
    temp_blks_read bigint,
    temp_blks_written bigint,
    blk_read_us bigint,
    blk_write_us bigint,
    wal_records bigint,
    wal_fpi bigint,
    wal_bytes bigint
)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 200 COST 20000
    AS $$
DECLARE
    bytes bytea := data || ''::bytea; -- out of TOAST once, not for each byte
    bits bit varying := ('x' || encode(bytes, 'hex'))::bit varying;
    at integer := 2;
    list bigint[];
    places bigint[];
    n integer;
    mask bigint;
    kind integer;
    parameter bigint;
    numbers bigint[];
    call_numbers bigint[];
    flat bigint[] := '{}'; -- the columns that are there, one after the other
    starts integer[] := '{}'; -- where in it each of them begins
BEGIN
    IF length(bytes) = 0 THEN
        RETURN;
    END IF;
    kind := get_byte(bytes, 1);
    IF get_byte(bytes, 0) <> 1 OR kind > 2 THEN
        RAISE data_corrupted USING MESSAGE = 'packed samples are damaged or of an unknown format';
    ELSIF kind = 0 THEN
        SELECT array_agg(i) INTO places FROM generate_series(0, position_limit - 1) i;
    ELSIF kind = 1 THEN
        SELECT array_agg(i) INTO places FROM generate_series(0, position_limit::integer - 1) i WHERE get_bit(bits, 16 + i) = 1;
        at := 2 + (position_limit + 7) / 8;
    ELSE
        SELECT v.numbers, v.next INTO list, at FROM fettle.sample_varints(bytes, 2, 1) v;
        SELECT v.numbers, v.next INTO list, at FROM fettle.sample_varints(bytes, at, list[1]::integer) v;
        SELECT array_agg(s.place) INTO places
        FROM (SELECT sum(gap) OVER (ORDER BY i) + i - 1 AS place FROM unnest(list) WITH ORDINALITY u(gap, i)) s;
    END IF;
    n := cardinality(places);
    call_numbers := array_fill(0::bigint, ARRAY[n]);
    SELECT v.numbers[1], v.next INTO mask, at FROM fettle.sample_varints(bytes, at, 1) v;
    IF mask >> 20 <> 0 THEN
        RAISE data_corrupted USING MESSAGE = 'packed samples are damaged or of an unknown format';
    END IF;
    FOR c IN 1 .. 20 LOOP
        CONTINUE WHEN (mask >> (c - 1)) & 1 = 0;
        kind := get_byte(bytes, at);
        SELECT v.numbers[1], v.next INTO parameter, at FROM fettle.sample_varints(bytes, at + 1, 1) v;
        IF kind = 1 THEN
            numbers := array_fill(parameter, ARRAY[n]);
        ELSIF kind = 2 THEN
            SELECT array_agg(parameter * u.calls) INTO numbers FROM unnest(call_numbers) u(calls);
        ELSIF kind = 3 THEN
            SELECT v.numbers, v.next INTO list, at FROM fettle.sample_numbers(bytes, bits, at, n) v;
            SELECT array_agg(parameter + u.number) INTO numbers FROM unnest(list) u(number);
        ELSIF kind = 4 THEN
            SELECT v.numbers, v.next INTO list, at FROM fettle.sample_numbers(bytes, bits, at, n) v;
            SELECT array_agg(((parameter * u.calls) >> 8) + ((u.number >> 1) # -(u.number & 1))) INTO numbers
            FROM unnest(call_numbers, list) u(calls, number);
        ELSE
            RAISE data_corrupted USING MESSAGE = 'packed samples are damaged';
        END IF;
        IF c = 1 THEN
            call_numbers := numbers;
        END IF;
        starts[c] := cardinality(flat);
        flat := flat || numbers;
    END LOOP;
    RETURN QUERY
        SELECT places[i]::integer,
               coalesce(flat[starts[1] + i], 0),
               coalesce(flat[starts[2] + i], 0),
               coalesce(flat[starts[3] + i], 0),
               coalesce(flat[starts[4] + i], 0),
               coalesce(flat[starts[5] + i], 0),
               coalesce(flat[starts[6] + i], 0),
               coalesce(flat[starts[7] + i], 0),
               coalesce(flat[starts[8] + i], 0),
               coalesce(flat[starts[9] + i], 0),
               coalesce(flat[starts[10] + i], 0),
               coalesce(flat[starts[11] + i], 0),
               coalesce(flat[starts[12] + i], 0),
               coalesce(flat[starts[13] + i], 0),
               coalesce(flat[starts[14] + i], 0),
               coalesce(flat[starts[15] + i], 0),
               coalesce(flat[starts[16] + i], 0),
               coalesce(flat[starts[17] + i], 0),
               coalesce(flat[starts[18] + i], 0),
               coalesce(flat[starts[19] + i], 0),
               coalesce(flat[starts[20] + i], 0)
        FROM generate_series(1, n) i;
END $$;
COMMENT ON FUNCTION fettle.sample_pack IS 'decodes the data of sample_rounds (limit 2147483648), sample_blocks (number of rounds) and sample_days (24)';

-- All samples. starts_at is a bound that reaches the partitions: a sample's collected_at is in the four hours from it on.
--
-- A condition on collected_at does not reach the blocks by itself, but it spares their decoding: random() keeps the inner
-- query from being flattened, the condition is pushed into it, down to the times, and where none is left PostgreSQL does
-- not run the other side of the join.
CREATE VIEW fettle.sample_readings AS
    SELECT b.target_id, b.starts_at, s.statement_id, s.database_id, x.collected_at, x.interval_ms / 1000.0::double precision AS interval_seconds, d.database_name, s.user_name, s.query_hash, s.queryid,
           s.fingerprint_hash, s.query_text, x.calls, x."rows", x.exec_us / 1000.0::double precision AS total_exec_time_ms,
           x.exec_us / 1000.0::double precision / nullif(x.calls, 0) AS mean_exec_time_ms, NULL::double precision AS min_exec_time_ms,
           NULL::double precision AS max_exec_time_ms, x.exec_deviation_us / 1000.0::double precision AS stddev_exec_time_ms,
           NULL::double precision AS p95_exec_time_ms, NULL::double precision AS p99_exec_time_ms,
           x.calls / (x.interval_ms / 1000.0::double precision) AS calls_per_sec, x.shared_blks_hit, x.shared_blks_read, x.shared_blks_dirtied, x.shared_blks_written, x.local_blks_hit,
           x.local_blks_read, x.local_blks_dirtied, x.local_blks_written, x.temp_blks_read, x.temp_blks_written, x.blk_read_us / 1000.0::double precision AS blk_read_time_ms,
           x.blk_write_us / 1000.0::double precision AS blk_write_time_ms, x.wal_records, x.wal_fpi, x.wal_bytes,
           x.plan_us / 1000.0::double precision AS plan_time_ms
    FROM fettle.sample_blocks b
    JOIN fettle.statements s ON s.target_id = b.target_id AND s.statement_id = b.statement_id
    JOIN fettle.databases d ON d.target_id = b.target_id AND d.database_id = b.database_id
    JOIN fettle.sample_times t ON t.target_id = b.target_id AND t.database_id = b.database_id AND t.starts_at = b.starts_at
    CROSS JOIN LATERAL (
        SELECT u.collected_at, u.interval_ms, p.*, random() AS kept_apart
        FROM unnest(t.collected_at, t.interval_ms) WITH ORDINALITY u(collected_at, interval_ms, number)
        JOIN fettle.sample_pack(b.data, cardinality(t.collected_at)) p ON p."position" = u.number - 1) x
    UNION ALL
    SELECT r.target_id, r.collected_at, s.statement_id, s.database_id, r.collected_at, r.interval_ms / 1000.0::double precision AS interval_seconds, d.database_name, s.user_name, s.query_hash, s.queryid,
           s.fingerprint_hash, s.query_text, r.calls, r."rows", r.exec_us / 1000.0::double precision AS total_exec_time_ms,
           r.exec_us / 1000.0::double precision / nullif(r.calls, 0) AS mean_exec_time_ms, NULL::double precision AS min_exec_time_ms,
           NULL::double precision AS max_exec_time_ms, r.exec_deviation_us / 1000.0::double precision AS stddev_exec_time_ms,
           NULL::double precision AS p95_exec_time_ms, NULL::double precision AS p99_exec_time_ms,
           r.calls / (r.interval_ms / 1000.0::double precision) AS calls_per_sec, r.shared_blks_hit, r.shared_blks_read, r.shared_blks_dirtied, r.shared_blks_written, r.local_blks_hit,
           r.local_blks_read, r.local_blks_dirtied, r.local_blks_written, r.temp_blks_read, r.temp_blks_written, r.blk_read_us / 1000.0::double precision AS blk_read_time_ms,
           r.blk_write_us / 1000.0::double precision AS blk_write_time_ms, r.wal_records, r.wal_fpi, r.wal_bytes,
           r.plan_us / 1000.0::double precision AS plan_time_ms
    FROM (SELECT j.target_id, j.collected_at, j.interval_ms, p.*, random() AS kept_apart
          FROM fettle.sample_rounds j
          CROSS JOIN LATERAL fettle.sample_pack(j.data, 2147483648) p) r
    JOIN fettle.statements s ON s.target_id = r.target_id AND s.statement_id = r."position"
    JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
    UNION ALL
    SELECT r.target_id, r.collected_at, s.statement_id, s.database_id, r.collected_at, r.interval_seconds, d.database_name, s.user_name,
           s.query_hash, s.queryid, s.fingerprint_hash, s.query_text, r.calls, r."rows",
           coalesce(r.total_exec_time_ms, r.mean_exec_time_ms * r.calls),
           coalesce(r.mean_exec_time_ms, r.total_exec_time_ms / nullif(r.calls, 0)), r.min_exec_time_ms, r.max_exec_time_ms,
           r.stddev_exec_time_ms, r.p95_exec_time_ms, r.p99_exec_time_ms, coalesce(r.calls_per_sec, r.calls / r.interval_seconds),
           r.shared_blks_hit, r.shared_blks_read, r.shared_blks_dirtied, r.shared_blks_written, r.local_blks_hit,
           r.local_blks_read, r.local_blks_dirtied, r.local_blks_written, r.temp_blks_read, r.temp_blks_written,
           r.blk_read_time_ms, r.blk_write_time_ms, r.wal_records, r.wal_fpi, r.wal_bytes, r.plan_time_ms
    FROM fettle.sample_rows r
    JOIN fettle.statements s ON s.target_id = r.target_id AND s.statement_id = r.statement_id
    JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id;

CREATE VIEW fettle.metrics_pg_stats_query AS
    SELECT target_id, collected_at, interval_seconds, database_name, user_name, query_hash, queryid, fingerprint_hash, query_text,
           calls, "rows", total_exec_time_ms, mean_exec_time_ms, min_exec_time_ms, max_exec_time_ms, stddev_exec_time_ms,
           p95_exec_time_ms, p99_exec_time_ms, calls_per_sec, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
           shared_blks_written, local_blks_hit, local_blks_read, local_blks_dirtied, local_blks_written, temp_blks_read,
           temp_blks_written, blk_read_time_ms, blk_write_time_ms, wal_records, wal_fpi, wal_bytes, plan_time_ms
    FROM fettle.sample_readings;
COMMENT ON VIEW fettle.metrics_pg_stats_query IS 'what one statement did in one collection interval; for much of it use fettle.samples(), which reads only the time asked for';

-- The samples of a target in [from_at, to_at): what metrics_pg_stats_query shows, read by partition and block.
CREATE FUNCTION fettle.samples(target bigint, from_at timestamptz, to_at timestamptz) RETURNS SETOF fettle.metrics_pg_stats_query
    LANGUAGE sql STABLE
    AS $$
    SELECT target_id, collected_at, interval_seconds, database_name, user_name, query_hash, queryid, fingerprint_hash, query_text,
           calls, "rows", total_exec_time_ms, mean_exec_time_ms, min_exec_time_ms, max_exec_time_ms, stddev_exec_time_ms,
           p95_exec_time_ms, p99_exec_time_ms, calls_per_sec, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
           shared_blks_written, local_blks_hit, local_blks_read, local_blks_dirtied, local_blks_written, temp_blks_read,
           temp_blks_written, blk_read_time_ms, blk_write_time_ms, wal_records, wal_fpi, wal_bytes, plan_time_ms
    FROM fettle.sample_readings
    WHERE target_id = target AND collected_at >= from_at AND collected_at < to_at
      AND starts_at > from_at - interval '4 hours' AND starts_at < to_at
    $$;

CREATE FUNCTION fettle.samples(target bigint, from_at timestamptz, to_at timestamptz, hash bigint) RETURNS SETOF fettle.metrics_pg_stats_query
    LANGUAGE sql STABLE
    AS $$
    SELECT target_id, collected_at, interval_seconds, database_name, user_name, query_hash, queryid, fingerprint_hash, query_text,
           calls, "rows", total_exec_time_ms, mean_exec_time_ms, min_exec_time_ms, max_exec_time_ms, stddev_exec_time_ms,
           p95_exec_time_ms, p99_exec_time_ms, calls_per_sec, shared_blks_hit, shared_blks_read, shared_blks_dirtied,
           shared_blks_written, local_blks_hit, local_blks_read, local_blks_dirtied, local_blks_written, temp_blks_read,
           temp_blks_written, blk_read_time_ms, blk_write_time_ms, wal_records, wal_fpi, wal_bytes, plan_time_ms
    FROM fettle.sample_readings
    WHERE target_id = target AND collected_at >= from_at AND collected_at < to_at
      AND starts_at > from_at - interval '4 hours' AND starts_at < to_at AND query_hash = hash
    $$;

CREATE VIEW fettle.v_metrics_pg_stats_query AS
    SELECT m.*, m.collected_at AS "time", m.total_exec_time_ms AS total_time, m.mean_exec_time_ms AS mean_time, m.min_exec_time_ms AS min_time,
           m.max_exec_time_ms AS max_time, m.stddev_exec_time_ms AS stddev_time, m.blk_read_time_ms AS blk_read_time,
           m.blk_write_time_ms AS blk_write_time, m.plan_time_ms AS query_plan_time, m.total_exec_time_ms AS query_exec_time
    FROM fettle.metrics_pg_stats_query m;

-- One row for each statement of a target with a sample in the last 7 days; its figures are of the last 24 hours, and
-- calls_per_hour is of the 7 days (whole days from the first on) over the hours that its database was observed.
CREATE VIEW fettle.v_query_latest AS
    SELECT week.target_id, week.query_hash, known.database_name, known.query_text, coalesce(today.calls, 0)::bigint AS calls,
           today.exec_ms / nullif(today.calls, 0) AS mean_exec_time_ms, coalesce(today."rows", 0)::bigint AS "rows",
           (today."rows" / nullif(today.calls, 0))::double precision AS rows_per_call,
           (week.calls / greatest(1, week.observed_hours))::double precision AS calls_per_hour, today.p95_exec_time_ms, today.p99_exec_time_ms,
           today.temp_blks_read::bigint AS temp_blks_read, today.temp_blks_written::bigint AS temp_blks_written, today.collected_at
    FROM (
        SELECT c.target_id, s.query_hash, sum(c.calls) AS calls,
               max(coalesce(o.hours, 0)) + sum(c.own_hours) AS observed_hours
        FROM (
            SELECT d.target_id, d.statement_id, d.calls, 0::double precision AS own_hours
            FROM fettle.sample_days d
            WHERE d.day >= ((now() - interval '7 days') AT TIME ZONE 'UTC')::date
            UNION ALL
            SELECT b.target_id, b.statement_id, p.calls, 0
            FROM fettle.sample_blocks b
            JOIN fettle.sample_times t ON t.target_id = b.target_id AND t.database_id = b.database_id AND t.starts_at = b.starts_at
            LEFT JOIN fettle.sample_day_times d
                ON d.target_id = b.target_id AND d.database_id = b.database_id AND d.day = (b.starts_at AT TIME ZONE 'UTC')::date
            CROSS JOIN LATERAL fettle.sample_pack(CASE WHEN d.day IS NULL THEN b.data ELSE '' END, cardinality(t.collected_at)) p
            WHERE b.starts_at >= now() - interval '7 days'
            UNION ALL
            SELECT r.target_id, p."position", p.calls, 0
            FROM fettle.sample_rounds r
            CROSS JOIN LATERAL fettle.sample_pack(r.data, 2147483648) p
            WHERE r.collected_at >= now() - interval '7 days'
            UNION ALL
            SELECT r.target_id, r.statement_id, r.calls, r.interval_seconds / 3600
            FROM fettle.sample_rows r
            WHERE r.collected_at >= now() - interval '7 days') c
        JOIN fettle.statements s ON s.target_id = c.target_id AND s.statement_id = c.statement_id
        LEFT JOIN (
            SELECT i.target_id, i.database_id, sum(i.observed_ms) / 3600000.0::double precision AS hours
            FROM (
                SELECT d.target_id, d.database_id, u.observed_ms
                FROM fettle.sample_day_times d CROSS JOIN LATERAL unnest(d.observed_ms) u(observed_ms)
                WHERE d.day >= ((now() - interval '7 days') AT TIME ZONE 'UTC')::date
                UNION ALL
                SELECT t.target_id, t.database_id, u.interval_ms
                FROM fettle.sample_times t
                LEFT JOIN fettle.sample_day_times d
                    ON d.target_id = t.target_id AND d.database_id = t.database_id AND d.day = (t.starts_at AT TIME ZONE 'UTC')::date
                CROSS JOIN LATERAL unnest(t.interval_ms) u(interval_ms)
                WHERE t.starts_at >= now() - interval '7 days' AND d.day IS NULL
                UNION ALL
                SELECT r.target_id, r.database_id, r.interval_ms
                FROM fettle.sample_rounds r
                WHERE r.collected_at >= now() - interval '7 days') i
            GROUP BY i.target_id, i.database_id) o ON o.target_id = s.target_id AND o.database_id = s.database_id
        GROUP BY c.target_id, s.query_hash) week
    LEFT JOIN (
        SELECT r.target_id, r.query_hash, sum(r.calls) AS calls, sum(r."rows") AS "rows", sum(r.total_exec_time_ms) AS exec_ms,
               max(r.p95_exec_time_ms) AS p95_exec_time_ms, max(r.p99_exec_time_ms) AS p99_exec_time_ms,
               sum(r.temp_blks_read) AS temp_blks_read, sum(r.temp_blks_written) AS temp_blks_written, max(r.collected_at) AS collected_at
        FROM fettle.sample_readings r
        WHERE r.collected_at > now() - interval '24 hours' AND r.starts_at > now() - interval '28 hours'
        GROUP BY r.target_id, r.query_hash) today ON today.target_id = week.target_id AND today.query_hash = week.query_hash
    CROSS JOIN LATERAL (
        SELECT d.database_name, s.query_text
        FROM fettle.statements s
        JOIN fettle.databases d ON d.target_id = s.target_id AND d.database_id = s.database_id
        WHERE s.target_id = week.target_id AND s.query_hash = week.query_hash
        ORDER BY s.last_seen DESC, s.statement_id DESC
        LIMIT 1) known;

-- Numbers for databases and statements that rows inserted by hand name: from 2^30 on, where no collector counts to.
CREATE FUNCTION fettle.sample_row_database(target bigint, name text) RETURNS integer
    LANGUAGE plpgsql
    AS $$
DECLARE
    found_id integer;
BEGIN
    SELECT d.database_id INTO found_id FROM fettle.databases d
    WHERE d.target_id = target AND d.database_name = name ORDER BY d.database_id DESC LIMIT 1;
    IF found_id IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('fettle.sample_row', target));
        INSERT INTO fettle.databases (target_id, database_id, database_oid, database_name)
        SELECT target, coalesce(max(d.database_id) + 1, 1073741824), 0, name FROM fettle.databases d
        WHERE d.target_id = target AND d.database_id >= 1073741824
        RETURNING database_id INTO found_id;
    END IF;
    RETURN found_id;
END $$;

CREATE FUNCTION fettle.sample_row_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    target bigint := coalesce(NEW.target_id, fettle.sole_target());
    hash bigint := coalesce(NEW.query_hash, NEW.queryid & 9223372036854775807);
    signed bigint := coalesce(NEW.queryid, NEW.query_hash);
    database integer;
    -- A user by hand has no oid; one made from the name keeps two users' statements apart.
    oid_made oid := CASE WHEN NEW.user_name IS NULL THEN 0 ELSE hashtext(NEW.user_name)::bigint & 4294967295 END;
    statement fettle.statements;
BEGIN
    IF target IS NULL THEN
        RAISE not_null_violation USING MESSAGE = 'target_id is needed: there is not exactly one target';
    ELSIF hash IS NULL OR hash <= 0 THEN
        RAISE check_violation USING MESSAGE = 'query_hash must be positive';
    ELSIF NEW.database_name IS NULL OR NEW.interval_seconds IS NULL OR NEW.calls IS NULL THEN
        RAISE not_null_violation USING MESSAGE = 'database_name, interval_seconds and calls are needed';
    END IF;
    NEW.target_id := target;
    NEW.query_hash := hash;
    NEW.queryid := signed;
    NEW.collected_at := coalesce(NEW.collected_at, now());
    database := fettle.sample_row_database(target, NEW.database_name);
    SELECT * INTO statement FROM fettle.statements s
    WHERE s.target_id = target AND s.query_hash = hash AND s.database_id = database
      AND (NEW.user_name IS NULL OR s.user_name = NEW.user_name)
    ORDER BY s.is_toplevel DESC, s.statement_id DESC LIMIT 1;
    IF NOT FOUND THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('fettle.sample_row', target));
        INSERT INTO fettle.statements AS s (target_id, statement_id, database_id, user_oid, user_name, queryid, query_hash,
                                            fingerprint_hash, query_text, first_seen, last_seen)
        SELECT target, coalesce(max(k.statement_id) + 1, 1073741824), database, oid_made, NEW.user_name, signed, hash,
               NEW.fingerprint_hash, NEW.query_text, NEW.collected_at, NEW.collected_at
        FROM fettle.statements k
        WHERE k.target_id = target AND k.statement_id >= 1073741824
        ON CONFLICT (target_id, database_id, user_oid, queryid, is_toplevel) DO UPDATE SET last_seen = greatest(s.last_seen, excluded.last_seen)
        RETURNING * INTO statement;
    ELSIF NEW.query_text IS DISTINCT FROM statement.query_text OR NEW.collected_at > statement.last_seen
          OR NEW.fingerprint_hash IS DISTINCT FROM statement.fingerprint_hash THEN
        UPDATE fettle.statements s
        SET query_text = coalesce(NEW.query_text, s.query_text), fingerprint_hash = coalesce(NEW.fingerprint_hash, s.fingerprint_hash),
            last_seen = greatest(s.last_seen, NEW.collected_at), first_seen = least(s.first_seen, NEW.collected_at)
        WHERE s.target_id = target AND s.statement_id = statement.statement_id;
    END IF;
    -- The same sample again replaces what was there.
    DELETE FROM fettle.sample_rows r
    WHERE r.target_id = target AND r.statement_id = statement.statement_id AND r.collected_at = NEW.collected_at;
    INSERT INTO fettle.sample_rows VALUES
        (target, statement.statement_id, NEW.collected_at, database, NEW.interval_seconds, NEW.calls, NEW."rows",
         coalesce(NEW.total_exec_time_ms, NEW.mean_exec_time_ms * NEW.calls), NEW.mean_exec_time_ms, NEW.min_exec_time_ms,
         NEW.max_exec_time_ms, NEW.stddev_exec_time_ms, NEW.p95_exec_time_ms, NEW.p99_exec_time_ms, NEW.calls_per_sec,
         NEW.shared_blks_hit, NEW.shared_blks_read, NEW.shared_blks_dirtied, NEW.shared_blks_written, NEW.local_blks_hit,
         NEW.local_blks_read, NEW.local_blks_dirtied, NEW.local_blks_written, NEW.temp_blks_read, NEW.temp_blks_written,
         NEW.blk_read_time_ms, NEW.blk_write_time_ms, NEW.wal_records, NEW.wal_fpi, NEW.wal_bytes, NEW.plan_time_ms);
    RETURN NEW;
END $$;
CREATE TRIGGER sample_row_insert INSTEAD OF INSERT ON fettle.metrics_pg_stats_query
    FOR EACH ROW EXECUTE FUNCTION fettle.sample_row_insert();

SELECT fettle.partitions_make_ahead(now());
