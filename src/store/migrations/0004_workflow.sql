-- SPDX-License-Identifier: PostgreSQL
-- What is found, recommended, carried out and learnt. Findings outlive the samples they were made from, so no foreign key
-- leads from a query_hash to them.

CREATE TABLE fettle.workload_patterns (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63) NOT NULL,
    pattern_type varchar(50) NOT NULL,
    pattern_key varchar(32) NOT NULL,
    pattern_metadata jsonb NOT NULL,
    detection_timestamp timestamptz DEFAULT now(),
    description text,
    affected_query_count integer DEFAULT 0,
    UNIQUE (target_id, database_name, pattern_type, pattern_key)
);
CREATE INDEX workload_patterns_database ON fettle.workload_patterns (database_name, pattern_type);
CREATE INDEX workload_patterns_detection ON fettle.workload_patterns (detection_timestamp DESC);

CREATE TABLE fettle.query_rewrite_suggestions (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint NOT NULL,
    fingerprint_hash bigint,
    suggestion_type varchar(100) NOT NULL,
    description text NOT NULL,
    original_query text,
    suggested_rewrite text NOT NULL,
    reasoning text,
    estimated_improvement_percent double precision NOT NULL DEFAULT 0,
    confidence_score double precision NOT NULL DEFAULT 0.8,
    dismissed boolean DEFAULT false,
    implemented boolean DEFAULT false,
    implementation_notes text,
    evidence jsonb,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (target_id, query_hash, suggestion_type)
);
CREATE INDEX query_rewrite_suggestions_hash ON fettle.query_rewrite_suggestions (query_hash);
CREATE INDEX query_rewrite_suggestions_confidence ON fettle.query_rewrite_suggestions (confidence_score DESC);
CREATE INDEX query_rewrite_suggestions_type ON fettle.query_rewrite_suggestions (suggestion_type);
CREATE INDEX query_rewrite_suggestions_open ON fettle.query_rewrite_suggestions (confidence_score DESC) WHERE NOT dismissed;

CREATE TABLE fettle.parameter_tuning_suggestions (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint NOT NULL,
    fingerprint_hash bigint,
    parameter_name varchar(100) NOT NULL CHECK (parameter_name <> 'sort_mem'),
    current_value varchar(255),
    recommended_value varchar(255) NOT NULL,
    reasoning text,
    estimated_improvement_percent double precision,
    confidence_score double precision DEFAULT 0.75,
    evidence jsonb,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (target_id, query_hash, parameter_name, recommended_value)
);
CREATE INDEX parameter_tuning_suggestions_hash ON fettle.parameter_tuning_suggestions (query_hash);
CREATE INDEX parameter_tuning_suggestions_confidence ON fettle.parameter_tuning_suggestions (confidence_score DESC);

CREATE TABLE fettle.optimization_recommendations (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint,
    fingerprint_hash bigint,
    source_type varchar(50) NOT NULL CHECK (source_type IN ('index', 'rewrite', 'parameter', 'workload', 'partition', 'cache',
                                                            'resource', 'vacuum', 'plan')),
    source_id bigint,
    recommendation_text text NOT NULL,
    detailed_explanation text,
    estimated_improvement_percent double precision,
    confidence_score double precision DEFAULT 0.8,
    urgency_score double precision DEFAULT 0.5,
    roi_score double precision DEFAULT 0,
    expected_saving_ms_per_hour double precision,
    expected_saving_low double precision,
    expected_saving_high double precision,
    implementation_complexity varchar(20) CHECK (implementation_complexity IN ('low', 'medium', 'high')),
    is_dismissed boolean DEFAULT false,
    dismissal_reason text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (target_id, query_hash, source_type, source_id)
);
CREATE INDEX optimization_recommendations_roi ON fettle.optimization_recommendations (roi_score DESC);
CREATE INDEX optimization_recommendations_hash ON fettle.optimization_recommendations (query_hash);
CREATE INDEX optimization_recommendations_source ON fettle.optimization_recommendations (source_type);
CREATE INDEX optimization_recommendations_dismissed ON fettle.optimization_recommendations (is_dismissed);
CREATE INDEX optimization_recommendations_urgency ON fettle.optimization_recommendations (urgency_score DESC);

CREATE TABLE fettle.optimization_implementations (
    id bigserial PRIMARY KEY,
    recommendation_id bigint NOT NULL REFERENCES fettle.optimization_recommendations ON DELETE CASCADE,
    query_hash bigint,
    implementation_timestamp timestamptz DEFAULT now(),
    implementation_notes text,
    pre_optimization_stats jsonb,
    post_optimization_stats jsonb,
    actual_improvement_percent double precision,
    actual_low double precision,
    actual_high double precision,
    actual_improvement_seconds double precision,
    accuracy_score double precision,
    status varchar(50) DEFAULT 'pending'
        CHECK (status IN ('pending', 'implemented', 'no_improvement', 'regressed', 'reverted', 'failed')),
    error_message text,
    measured_at timestamptz,
    rolled_back_at timestamptz
);
CREATE INDEX optimization_implementations_recommendation ON fettle.optimization_implementations (recommendation_id);
CREATE INDEX optimization_implementations_hash ON fettle.optimization_implementations (query_hash);
CREATE INDEX optimization_implementations_status ON fettle.optimization_implementations (status);
CREATE INDEX optimization_implementations_measured ON fettle.optimization_implementations (measured_at DESC)
    WHERE status = 'implemented' AND measured_at IS NOT NULL;

CREATE TABLE fettle.query_performance_models (
    id bigserial PRIMARY KEY,
    target_id bigint DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    model_type varchar(100) NOT NULL,
    model_name varchar(255) UNIQUE,
    database_name varchar(63),
    model_binary bytea,
    model_json jsonb,
    feature_names text[] NOT NULL,
    training_sample_size integer,
    r_squared double precision,
    rmse double precision,
    mae double precision,
    feature_importance jsonb,
    training_timestamp timestamptz DEFAULT now(),
    last_updated timestamptz DEFAULT now(),
    version integer DEFAULT 1,
    is_active boolean DEFAULT true,
    metrics jsonb
);
CREATE INDEX query_performance_models_database ON fettle.query_performance_models (database_name, is_active);
CREATE UNIQUE INDEX query_performance_models_active
    ON fettle.query_performance_models ((coalesce(target_id, 0)), (coalesce(database_name, ''))) WHERE is_active;

CREATE TABLE fettle.index_recommendations (
    id bigserial PRIMARY KEY,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    database_name varchar(63) NOT NULL,
    schema_name varchar(63) NOT NULL DEFAULT 'public',
    table_name varchar(255) NOT NULL,
    index_name varchar(255),
    columns text[] NOT NULL,
    index_type varchar(50) NOT NULL DEFAULT 'btree',
    is_unique boolean NOT NULL DEFAULT false,
    predicate text,
    include_columns text[],
    recommendation_type varchar(20) NOT NULL CHECK (recommendation_type IN ('create', 'drop', 'modify')),
    estimated_benefit double precision,
    estimated_cost double precision,
    confidence_score double precision DEFAULT 0.8,
    affected_query_count integer,
    affected_total_time_ms double precision,
    usage_count bigint DEFAULT 0,
    last_used_at timestamptz,
    size_bytes bigint,
    create_statement text,
    status varchar(20) NOT NULL DEFAULT 'recommended' CHECK (status IN ('recommended', 'created', 'dropped', 'rejected')),
    reason text,
    created_at timestamptz DEFAULT now(),
    applied_at timestamptz,
    UNIQUE (target_id, database_name, schema_name, table_name, columns, index_type, recommendation_type)
);

CREATE TABLE fettle.index_changes (
    id bigserial PRIMARY KEY,
    recommendation_id bigint REFERENCES fettle.index_recommendations ON DELETE SET NULL,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    action varchar(20) NOT NULL CHECK (action IN ('create', 'drop', 'modify')),
    schema_name varchar(63) NOT NULL DEFAULT 'public',
    table_name varchar(255) NOT NULL,
    index_name varchar(255),
    columns text[],
    sql text NOT NULL,
    undo_sql text,
    success boolean,
    error_message text,
    duration_ms double precision,
    performed_by text,
    performed_at timestamptz DEFAULT now()
);
CREATE INDEX index_changes_target ON fettle.index_changes (target_id, performed_at DESC);

CREATE TABLE fettle.query_patterns (
    id bigserial PRIMARY KEY,
    pattern_type varchar(100) NOT NULL,
    pattern_signature text NOT NULL,
    original_pattern text NOT NULL,
    optimized_pattern text,
    success_rate double precision,
    avg_improvement_pct double precision,
    times_applied integer NOT NULL DEFAULT 0,
    times_successful integer NOT NULL DEFAULT 0,
    database_type varchar(50) NOT NULL DEFAULT 'postgresql',
    category varchar(50) NOT NULL CHECK (category IN ('JOIN_OPTIMIZATION', 'SUBQUERY_OPTIMIZATION', 'INDEX_RECOMMENDATION',
                                                      'QUERY_REWRITE', 'AGGREGATION_OPTIMIZATION', 'WINDOW_FUNCTION',
                                                      'CTE_OPTIMIZATION', 'ANTI_PATTERN')),
    description text,
    origin varchar(20) NOT NULL DEFAULT 'builtin' CHECK (origin IN ('builtin', 'learned', 'user')),
    enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (pattern_signature, database_type)
);

CREATE TABLE fettle.pattern_applications (
    id bigserial PRIMARY KEY,
    pattern_id bigint NOT NULL REFERENCES fettle.query_patterns ON DELETE CASCADE,
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    query_hash bigint NOT NULL,
    arm varchar(20) NOT NULL CHECK (arm IN ('control', 'treatment')),
    applied_at timestamptz DEFAULT now(),
    before_ms double precision,
    after_ms double precision,
    success boolean,
    reverted_at timestamptz
);
CREATE INDEX pattern_applications_pattern ON fettle.pattern_applications (pattern_id);

CREATE TABLE fettle.predictions (
    prediction_id text PRIMARY KEY,
    query_hash bigint NOT NULL,
    target_id bigint DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    model_name varchar(255),
    source varchar(50),
    predicted_execution_time_ms double precision,
    lower_bound_ms double precision,
    upper_bound_ms double precision,
    confidence double precision,
    scenario text,
    parameters jsonb,
    created_at timestamptz DEFAULT now(),
    actual_execution_time_ms double precision,
    error_percent double precision,
    accuracy_score double precision,
    validated_at timestamptz
);
CREATE INDEX predictions_hash ON fettle.predictions (query_hash, created_at DESC);

CREATE TABLE fettle.training_jobs (
    job_id text PRIMARY KEY CHECK (job_id ~ '^train-[0-9]{8}-[0-9]{3,}$'),
    status varchar(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'training', 'completed', 'failed')),
    request jsonb,
    model_name varchar(255),
    error_message text,
    created_at timestamptz DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz
);

CREATE TABLE fettle.calibration (
    target_id bigint NOT NULL DEFAULT fettle.sole_target() REFERENCES fettle.targets ON DELETE CASCADE,
    source_type varchar(50) NOT NULL,
    kind varchar(100) NOT NULL,
    results integer NOT NULL DEFAULT 0,
    mean_accuracy double precision,
    factor double precision NOT NULL DEFAULT 1,
    updated_at timestamptz DEFAULT now(),
    UNIQUE (target_id, source_type, kind)
);

CREATE VIEW fettle.v_top_optimization_recommendations AS
SELECT r.id, r.target_id, r.query_hash, s.query_text, r.source_type, r.source_id, r.recommendation_text, r.detailed_explanation,
       r.estimated_improvement_percent, r.confidence_score, r.urgency_score, r.roi_score, r.expected_saving_ms_per_hour,
       r.expected_saving_low, r.expected_saving_high, r.implementation_complexity, r.created_at, r.updated_at,
       rank() OVER (ORDER BY r.roi_score DESC, r.confidence_score DESC) AS rank
  FROM fettle.optimization_recommendations r
  LEFT JOIN LATERAL (SELECT query_text
                       FROM fettle.statements
                      WHERE target_id = r.target_id AND query_hash = r.query_hash AND query_text IS NOT NULL
                      ORDER BY last_seen DESC
                      LIMIT 1) s ON true
 WHERE r.is_dismissed IS NOT TRUE;

CREATE VIEW fettle.v_optimization_results AS
SELECT i.id AS implementation_id, i.recommendation_id, i.query_hash, r.recommendation_text,
       r.estimated_improvement_percent AS estimated_improvement, i.actual_improvement_percent AS actual_improvement,
       (i.actual_improvement_percent - r.estimated_improvement_percent) / nullif(r.estimated_improvement_percent, 0) * 100
           AS prediction_error_percent,
       i.status, i.implementation_timestamp, i.measured_at, i.measured_at - i.implementation_timestamp AS time_to_measurement,
       r.confidence_score, i.actual_improvement_seconds, i.accuracy_score
  FROM fettle.optimization_implementations i
  JOIN fettle.optimization_recommendations r ON r.id = i.recommendation_id;

CREATE VIEW fettle.v_workload_pattern_summary AS
SELECT target_id, database_name, pattern_type, count(*) AS occurrences,
       avg((pattern_metadata ->> 'confidence')::double precision) AS avg_confidence,
       max(detection_timestamp) AS latest_detection, array_agg(pattern_metadata ORDER BY id) AS all_metadata
  FROM fettle.workload_patterns
 GROUP BY target_id, database_name, pattern_type;

-- Functions: the same rules as the server's, for people who work in SQL.
CREATE FUNCTION fettle.create_pattern_metadata(peak_hour integer, variance double precision, confidence double precision,
                                               affected_queries integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT jsonb_build_object('peak_hour', peak_hour, 'variance', round(variance::numeric, 4),
                          'confidence', round(confidence::numeric, 4), 'affected_queries', affected_queries)
$$;

-- A figure that is NULL, or below nothing, gives no urgency.
CREATE FUNCTION fettle.calculate_urgency_score(calls_per_hour double precision, mean_exec_time_ms double precision)
    RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT greatest(least(coalesce(calls_per_hour, 0) / 100000, 1), 0) * greatest(least(coalesce(mean_exec_time_ms, 0) / 10000, 1), 0)
$$;

CREATE FUNCTION fettle.calculate_roi_score(confidence double precision, improvement_percent double precision,
                                           urgency double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
SELECT coalesce(confidence, 0) * greatest(least(coalesce(improvement_percent, 0) / 100, 1), 0) * coalesce(urgency, 0)
$$;
