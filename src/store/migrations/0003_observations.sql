-- SPDX-License-Identifier: PostgreSQL
-- What is observed of a target besides its statements, and the tables of findings about single statements.
-- Rounds are one row each with arrays inside: one element per metric, or per table and index. Figures are four-byte floats,
-- seven digits, which is more than a round knows.

-- The catalogue of metrics; the position in the arrays is part of the format, so it only ever grows at its end.
CREATE TABLE fettle.metrics (
    position integer PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('gauge', 'rate')),
    unit text NOT NULL
);
INSERT INTO fettle.metrics (position, name, kind, unit) VALUES
    (1, 'connections', 'gauge', '1'),
    (2, 'connections_active', 'gauge', '1'),
    (3, 'connections_idle', 'gauge', '1'),
    (4, 'connections_idle_in_transaction', 'gauge', '1'),
    (5, 'connections_waiting', 'gauge', '1'),
    (6, 'connections_most', 'gauge', '1'),
    (7, 'transaction_age_seconds', 'gauge', 's'),
    (8, 'locks', 'gauge', '1'),
    (9, 'locks_waited_for', 'gauge', '1'),
    (10, 'commits', 'rate', '1/s'),
    (11, 'rollbacks', 'rate', '1/s'),
    (12, 'deadlocks', 'rate', '1/s'),
    (13, 'blocks_hit', 'rate', 'blocks/s'),
    (14, 'blocks_read', 'rate', 'blocks/s'),
    (15, 'cache_hit_ratio', 'gauge', '1'),
    (16, 'rows_returned', 'rate', '1/s'),
    (17, 'rows_fetched', 'rate', '1/s'),
    (18, 'rows_inserted', 'rate', '1/s'),
    (19, 'rows_updated', 'rate', '1/s'),
    (20, 'rows_deleted', 'rate', '1/s'),
    (21, 'temp_files', 'rate', '1/s'),
    (22, 'temp_bytes', 'rate', 'bytes/s'),
    (23, 'wal_bytes', 'rate', 'bytes/s'),
    (24, 'checkpoints_timed', 'rate', '1/s'),
    (25, 'checkpoints_requested', 'rate', '1/s'),
    (26, 'checkpoint_write_ms', 'rate', 'ms/s'),
    (27, 'buffers_checkpoint', 'rate', 'blocks/s'),
    (28, 'buffers_clean', 'rate', 'blocks/s'),
    (29, 'buffers_allocated', 'rate', 'blocks/s'),
    (30, 'replicas', 'gauge', '1'),
    (31, 'replica_lag_bytes', 'gauge', 'bytes'),
    (32, 'replay_lag_seconds', 'gauge', 's'),
    (33, 'slot_bytes', 'gauge', 'bytes'),
    (34, 'database_bytes', 'gauge', 'bytes'),
    (35, 'transaction_id_age', 'gauge', '1'),
    (36, 'statements', 'gauge', '1'),
    (37, 'statements_evicted', 'rate', '1/s'),
    (38, 'cpu_share', 'gauge', '1'),
    (39, 'memory_available_bytes', 'gauge', 'bytes'),
    (40, 'disk_free_bytes', 'gauge', 'bytes'),
    (41, 'disk_read_bytes', 'rate', 'bytes/s'),
    (42, 'disk_written_bytes', 'rate', 'bytes/s'),
    (43, 'round_ms', 'gauge', 'ms');

CREATE TABLE fettle.metric_rounds (
    target_id bigint NOT NULL DEFAULT fettle.sole_target(),
    collected_at timestamptz NOT NULL,
    interval_ms bigint NOT NULL CHECK (interval_ms >= 0),
    figures real[] NOT NULL,
    PRIMARY KEY (target_id, collected_at)
) PARTITION BY RANGE (collected_at);

CREATE TABLE fettle.metric_hours (
    target_id bigint NOT NULL DEFAULT fettle.sole_target(),
    hour timestamptz NOT NULL,
    rounds integer NOT NULL,
    means real[] NOT NULL,
    least real[] NOT NULL,
    greatest real[] NOT NULL,
    PRIMARY KEY (target_id, hour)
) PARTITION BY RANGE (hour);

CREATE TABLE fettle.activity_minutes (
    target_id bigint NOT NULL DEFAULT fettle.sole_target(),
    starts_at timestamptz NOT NULL,
    samples integer NOT NULL CHECK (samples > 0),
    database_ids integer[] NOT NULL,
    statement_ids integer[] NOT NULL,
    queryids bigint[] NOT NULL,
    states text[] NOT NULL,
    wait_types text[] NOT NULL,
    wait_events text[] NOT NULL,
    seen bigint[] NOT NULL,
    PRIMARY KEY (target_id, starts_at)
) PARTITION BY RANGE (starts_at);

-- Counters are as the target has them, since its statistics were reset.
CREATE TABLE fettle.relation_rounds (
    target_id bigint NOT NULL DEFAULT fettle.sole_target(),
    database_id integer NOT NULL,
    collected_at timestamptz NOT NULL,
    statistics_reset_at timestamptz,
    relation_oids oid[] NOT NULL,
    table_oids oid[] NOT NULL,
    schema_names text[] NOT NULL,
    relation_names text[] NOT NULL,
    kinds text NOT NULL,
    sizes bigint[] NOT NULL,
    row_estimates real[] NOT NULL,
    scans bigint[] NOT NULL,
    rows_read bigint[] NOT NULL,
    index_scans bigint[] NOT NULL,
    rows_inserted bigint[] NOT NULL,
    rows_updated bigint[] NOT NULL,
    rows_updated_hot bigint[] NOT NULL,
    rows_deleted bigint[] NOT NULL,
    live_rows bigint[] NOT NULL,
    dead_rows bigint[] NOT NULL,
    blocks_hit bigint[] NOT NULL,
    blocks_read bigint[] NOT NULL,
    vacuumed_at_us bigint[] NOT NULL,
    analyzed_at_us bigint[] NOT NULL,
    bloat_bytes real[] NOT NULL,
    bloat_measured boolean[] NOT NULL,
    PRIMARY KEY (target_id, database_id, collected_at)
) PARTITION BY RANGE (collected_at);

INSERT INTO fettle.partitioned (table_name, column_name, step, kept) VALUES
    ('metric_rounds', 'collected_at', interval '1 day', 'samples'),
    ('metric_hours', 'hour', interval '1 month', 'rollups'),
    ('activity_minutes', 'starts_at', interval '1 day', 'samples'),
    ('relation_rounds', 'collected_at', interval '1 month', 'rollups');

CREATE TABLE fettle.target_settings (
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    name text NOT NULL,
    value text,
    source text,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (target_id, name)
);

CREATE TABLE fettle.setting_changes (
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    changed_at timestamptz NOT NULL,
    name text NOT NULL,
    old_value text,
    new_value text,
    source text,
    PRIMARY KEY (target_id, changed_at, name)
);

CREATE TABLE fettle.explain_plans (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63),
    query_hash bigint NOT NULL,
    query_fingerprint_hash bigint,
    collected_at timestamptz NOT NULL DEFAULT now(),
    plan_hash bigint,
    plan_json jsonb,
    plan_text text,
    rows_expected double precision,
    rows_actual double precision,
    cost double precision,
    plan_duration_ms double precision,
    execution_duration_ms double precision,
    has_seq_scan boolean,
    has_index_scan boolean,
    has_bitmap_scan boolean,
    has_nested_loop boolean,
    total_buffers_read bigint,
    total_buffers_hit bigint,
    change_cause text,
    PRIMARY KEY (target_id, id)
);
CREATE INDEX explain_plans_hash ON fettle.explain_plans (query_hash, collected_at DESC);
CREATE INDEX explain_plans_target ON fettle.explain_plans (target_id, query_hash, database_name, collected_at DESC);

CREATE TABLE fettle.query_anomalies (
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint NOT NULL,
    anomaly_type varchar(50) NOT NULL
        CHECK (anomaly_type IN ('execution_time_spike', 'cache_degradation', 'io_increase', 'row_count_anomaly')),
    severity varchar(20) NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    metric_name varchar(100) NOT NULL,
    metric_value double precision,
    baseline_value double precision,
    deviation_stddev double precision,
    z_score double precision,
    raw_metrics_json jsonb,
    detected_at timestamptz NOT NULL DEFAULT now(),
    resolved boolean NOT NULL DEFAULT false,
    resolved_at timestamptz,
    PRIMARY KEY (target_id, id)
);
CREATE INDEX query_anomalies_detected ON fettle.query_anomalies (target_id, detected_at DESC);
CREATE INDEX query_anomalies_open ON fettle.query_anomalies (target_id, query_hash, metric_name) WHERE NOT resolved;

CREATE TABLE fettle.query_baselines (
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint NOT NULL,
    metric_name varchar(100) NOT NULL,
    baseline_value double precision,
    stddev_value double precision,
    baseline_period_days integer NOT NULL DEFAULT 7,
    min_value double precision,
    max_value double precision,
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (target_id, query_hash, metric_name)
);

CREATE TABLE fettle.performance_snapshots (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    name text NOT NULL,
    description text,
    snapshot_type varchar(20) NOT NULL DEFAULT 'manual'
        CHECK (snapshot_type IN ('manual', 'scheduled', 'pre_deploy', 'post_deploy')),
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata_json jsonb
);
CREATE INDEX performance_snapshots_target ON fettle.performance_snapshots (target_id, created_at DESC);

CREATE TABLE fettle.query_performance_snapshots (
    snapshot_id bigint NOT NULL REFERENCES fettle.performance_snapshots ON DELETE CASCADE,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63) NOT NULL DEFAULT '',
    query_hash bigint NOT NULL,
    calls bigint,
    rows bigint,
    total_exec_time_ms double precision,
    mean_exec_time_ms double precision,
    stddev_exec_time_ms double precision,
    plan_time_ms double precision,
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
    blk_read_time_ms double precision,
    blk_write_time_ms double precision,
    wal_records bigint,
    wal_fpi bigint,
    wal_bytes bigint,
    PRIMARY KEY (target_id, snapshot_id, database_name, query_hash)
);

CREATE VIEW fettle.v_metrics AS
SELECT r.target_id, r.collected_at, m.name AS metric, r.figures[m.position] AS value
  FROM fettle.metric_rounds r
  JOIN fettle.metrics m ON m.position <= cardinality(r.figures);
COMMENT ON VIEW fettle.v_metrics IS 'NULL: not known, not zero; rates are per second';

CREATE VIEW fettle.v_activity AS
SELECT a.target_id, a.starts_at, a.samples, d.database_name, a.statement_id, s.query_hash, a.queryid, a.state, a.wait_type,
       a.wait_event, a.seen, s.query_text
  FROM (SELECT m.target_id, m.starts_at, m.samples, u.*
          FROM fettle.activity_minutes m
         CROSS JOIN LATERAL unnest(m.database_ids, m.statement_ids, m.queryids, m.states, m.wait_types, m.wait_events, m.seen)
               AS u (database_id, statement_id, queryid, state, wait_type, wait_event, seen)) a
  LEFT JOIN fettle.databases d ON d.target_id = a.target_id AND d.database_id = a.database_id
  LEFT JOIN fettle.statements s ON s.target_id = a.target_id AND s.statement_id = a.statement_id;
COMMENT ON VIEW fettle.v_activity IS 'seen / samples is the mean number of sessions';

CREATE VIEW fettle.v_relations AS
SELECT r.target_id, d.database_name, r.collected_at, r.statistics_reset_at, u.relation_oid, u.table_oid, u.schema_name,
       u.relation_name, u.kind, nullif(u.size_bytes, -1) AS size_bytes, nullif(u.row_estimate, -1) AS row_estimate, u.scans,
       u.rows_read, u.index_scans, u.rows_inserted, u.rows_updated, u.rows_updated_hot, u.rows_deleted, u.live_rows, u.dead_rows,
       u.blocks_hit, u.blocks_read, u.blocks_hit::double precision / nullif(u.blocks_hit + u.blocks_read, 0) AS hit_ratio,
       timestamptz 'epoch' + nullif(u.vacuumed_at_us, 0) * interval '1 microsecond' AS vacuumed_at,
       timestamptz 'epoch' + nullif(u.analyzed_at_us, 0) * interval '1 microsecond' AS analyzed_at,
       u.bloat_bytes, CASE WHEN u.bloat_bytes IS NULL THEN NULL WHEN u.bloat_measured THEN 'measured' ELSE 'estimated' END AS bloat_basis
  FROM fettle.relation_rounds r
 CROSS JOIN LATERAL unnest(r.relation_oids, r.table_oids, r.schema_names, r.relation_names, string_to_array(r.kinds, NULL), r.sizes,
                           r.row_estimates, r.scans, r.rows_read, r.index_scans, r.rows_inserted, r.rows_updated,
                           r.rows_updated_hot, r.rows_deleted, r.live_rows, r.dead_rows, r.blocks_hit, r.blocks_read,
                           r.vacuumed_at_us, r.analyzed_at_us, r.bloat_bytes, r.bloat_measured)
       AS u (relation_oid, table_oid, schema_name, relation_name, kind, size_bytes, row_estimate, scans, rows_read, index_scans,
             rows_inserted, rows_updated, rows_updated_hot, rows_deleted, live_rows, dead_rows, blocks_hit, blocks_read,
             vacuumed_at_us, analyzed_at_us, bloat_bytes, bloat_measured)
  JOIN fettle.databases d ON d.target_id = r.target_id AND d.database_id = r.database_id;

SELECT fettle.partitions_make_ahead(now());
