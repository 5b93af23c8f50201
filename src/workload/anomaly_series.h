// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalySeries: what the statements of a target, and the target as a whole, did step by step.
 *
 * Read from the samples: the statements that are asked for by hash, each summed over its users and databases,
 * and the sums over all statements, asked for or not. The metrics of the target alone come from its rounds. A
 * step that was not observed has NAN in all metrics; an observed one without calls has 0 calls a second and
 * NAN in what is per call.
 *
 *     AnomalySeriesOptions options = {.range = ..., .hashes = hashes, .hash_count = n};
 *     anomaly_series_read(session, arena, &options, &series, error)
 *
 * values[metric * step_count + step]; the step i ends at from_us + (i + 1) * step.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_SERIES_H
#define FETTLE_WORKLOAD_ANOMALY_SERIES_H

#include "base/arena.h"
#include "store/anomaly.h"
#include "workload/anomaly_baseline.h"

typedef struct AnomalySteps {
    int64_t query_hash; /* 0: the target */
    double *calls;      /* in the step, and the time that they took: for weights */
    double *exec_ms;
    double *values;
} AnomalySteps;

typedef struct AnomalySeries {
    int64_t from_us;
    int64_t step_us;
    size_t step_count;
    AnomalySteps target;
    AnomalySteps *statements;
    size_t statement_count;
} AnomalySeries;

typedef struct AnomalySeriesOptions {
    StepRange range;       /* both ends are whole steps */
    const int64_t *hashes; /* NULL: all that were active, in the order in which they come, as many as half
                            * a gigabyte holds */
    size_t hash_count;
} AnomalySeriesOptions;

bool anomaly_series_read(PgConnection *session, Arena *arena, const AnomalySeriesOptions *options,
                         AnomalySeries *ret_series, Error *error) FETTLE_MUST_USE;

/* The steps of a metric as points, those that are known. */
size_t anomaly_series_points(const AnomalySeries *series, const AnomalySteps *steps, AnomalyMetric metric,
                             AnomalyPoint *ret_points);

#endif
