// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyPast: what the target as a whole did in the steps before, for what one step alone does not tell: its
 * stretch (anomaly_stream.h), and whether all its metrics together are odd (math/isolation_forest.h).
 *
 * Read only when a metric is off: a week of steps costs milliseconds. For anomaly_look.c.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_PAST_H
#define FETTLE_WORKLOAD_ANOMALY_PAST_H

#include "store/anomaly.h"
#include "workload/anomaly_stream.h"
#include "workload/anomaly_baseline.h"

#define ANOMALY_FOREST_ROWS_LEAST ((size_t)100)
#define ANOMALY_FOREST_SCORE 0.6
#define ANOMALY_FOREST_QUANTILE 0.9

/* How strange the stretch is that ends with the deviation. */
AnomalyStrangeness anomaly_past_strangeness(Arena *arena, const StepList *past, AnomalyMetric metric,
                                            const AnomalyBaseline *baseline, double deviation,
                                            bool with_shapes);

/* Whether a job that ran again and again has stopped to (anomaly_job.h); newest is not in the past. Known
 * only of steps of a minute or more: what comes every few seconds is no job. */
bool anomaly_past_misses_job(Arena *arena, const StepList *past, int64_t step_us, AnomalyMetric metric,
                             const AnomalyBaseline *baseline, const AnomalyPoint *newest);

typedef struct AnomalyOddity {
    bool is_known; /* there are ANOMALY_FOREST_ROWS_LEAST steps or more */
    bool is_odd;   /* above the score and above the quantile of the past's */
    double score;
    double quantile;     /* of the past's scores */
    AnomalyMetric cause; /* the metric that makes it odd; ANOMALY_METRIC_COUNT: none does */
} AnomalyOddity;

AnomalyOddity anomaly_past_oddity(Arena *arena, const StepList *past, const StepFigures *newest);

#endif
