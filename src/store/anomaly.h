// SPDX-License-Identifier: PostgreSQL
/*
 * Anomalies in the store: baselines, what a target did step by step, and findings (what they mean:
 * workload/anomaly.h).
 *
 *   query_baselines  (target_id, query_hash, metric_name)  what is usual; hash 0: of the target as a whole
 *   anomaly_states   (target_id)                           how far it was looked at, in which steps
 *   anomaly_points   (target_id, ended_at)                 the target's metrics in one step
 *   query_anomalies  (target_id, id)                       a finding, from when it was detected until
 * resolved
 *
 * Steps are counted from 1970-01-01; a step has the rounds that were collected in it and is known by its end.
 * What is not known is NULL there and NAN here. The functions that write are one statement each: who needs
 * several together opens a transaction.
 */
#ifndef FETTLE_STORE_ANOMALY_H
#define FETTLE_STORE_ANOMALY_H

#include "pg/connection.h"

#define ANOMALY_FIGURES 15      /* of a point; the number of metrics */
#define ANOMALY_ROUND_FIGURES 7 /* of them the last ones, which are of the rounds' metrics */
#define ANOMALY_DAY_HOURS 24
#define ANOMALIES_MOST 1000 /* of one reading */

typedef struct AnomalyState {
    int64_t step_ms; /* 0: it was never looked at */
    int64_t evaluated_to_us;
    int64_t baselines_at_us; /* 0: there are none */
    int64_t baseline_points;
} AnomalyState;

/* *ret_since_us: the first round of the target from from_us on, 0 when there is none. */
bool anomaly_state_read(PgConnection *session, int64_t target_id, int64_t from_us, AnomalyState *ret_state,
                        int64_t *ret_since_us, Error *error) FETTLE_MUST_USE;
bool anomaly_state_write(PgConnection *session, int64_t target_id, const AnomalyState *state, Error *error)
    FETTLE_MUST_USE;

typedef struct BaselineRow {
    int64_t query_hash;
    const char *metric_name;
    int64_t points;
    double usual; /* in the metric's own unit, over all hours; as the next three */
    double deviation;
    double least;
    double greatest;
    double centres[ANOMALY_DAY_HOURS]; /* when read of a statement: the two hours asked for, others NAN */
    double scale;
    double tail_low;
    double tail_high;
} BaselineRow;

typedef struct BaselineRows {
    BaselineRow *items;
    size_t count;
} BaselineRows;

/* All of a target: those that are not among the rows go. */
bool baselines_write(PgConnection *session, int64_t target_id, int64_t step_ms, const BaselineRows *rows,
                     Error *error) FETTLE_MUST_USE;
bool baselines_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t step_ms,
                    const int hours[2], BaselineRows *ret_rows, Error *error) FETTLE_MUST_USE;

typedef struct StepFigures {
    int64_t ended_at_us;
    double figures[ANOMALY_FIGURES];
} StepFigures;

typedef struct StepList {
    StepFigures *items; /* ascending */
    size_t count;
} StepList;

/* Of an array of the store as text, "{1,NULL,2}": what is NULL, or missing at its end, is NAN. */
void anomaly_reals_parse(const char *text, double *ret_values, size_t count);

typedef struct StepRange {
    int64_t target_id;
    int64_t step_ms;
    int64_t from_us; /* of the rounds' times, and of the steps' ends: [from, to) */
    int64_t to_us;
} StepRange;

/* The last ANOMALY_ROUND_FIGURES figures of each step with a round, from fettle.metric_rounds; the others are
 * NAN. */
bool anomaly_metric_steps_read(PgConnection *session, Arena *arena, const StepRange *range,
                               StepList *ret_steps, Error *error) FETTLE_MUST_USE;
bool anomaly_points_read(PgConnection *session, Arena *arena, const StepRange *range, StepList *ret_steps,
                         Error *error) FETTLE_MUST_USE;
bool anomaly_points_write(PgConnection *session, int64_t target_id, int64_t step_ms, const StepList *steps,
                          Error *error) FETTLE_MUST_USE;
/* Points of other steps, and those before a time. */
bool anomaly_points_delete(PgConnection *session, const StepRange *before, Error *error) FETTLE_MUST_USE;

typedef struct AnomalyRow {
    int64_t id; /* 0: new */
    int64_t target_id;
    int64_t query_hash; /* 0: the target as a whole */
    const char *anomaly_type;
    const char *severity;
    const char *metric_name;
    double metric_value;
    double baseline_value;
    double deviation; /* one scale in the metric's unit */
    double z_score;
    const char *raw_metrics_json; /* NULL: none */
    int64_t detected_at_us;
    int64_t last_seen_at_us;
    bool resolved;
    int64_t resolved_at_us;
    int64_t incident_id; /* 0: of none */
} AnomalyRow;

typedef struct AnomalyRows {
    AnomalyRow *items;
    size_t count;
} AnomalyRows;

/* New ones are inserted; those with an id get the severity, figures and resolved of the row. at_us: the time
 * of the step that says so. */
bool anomalies_write(PgConnection *session, int64_t target_id, int64_t at_us, const AnomalyRows *rows,
                     Error *error) FETTLE_MUST_USE;
/* Findings and incidents that are over, and ended before a time. */
bool anomalies_drop(PgConnection *session, int64_t target_id, int64_t rows_before_us,
                    int64_t incidents_before_us, Error *error) FETTLE_MUST_USE;

/* 0, NULL: any. */
typedef struct AnomalyFilter {
    int64_t target_id;
    const char *severity;
    const char *type;
    int resolved; /* 0, 1; -1: any */
    int64_t since_us;
    size_t most; /* 1 .. ANOMALIES_MOST, or for the open ones of a target ANOMALIES_OPEN_MOST */
} AnomalyFilter;

#define ANOMALIES_OPEN_MOST 100000

/* The newest first. */
bool anomalies_read(PgConnection *session, Arena *arena, const AnomalyFilter *filter, AnomalyRows *ret_rows,
                    Error *error) FETTLE_MUST_USE;

#endif
