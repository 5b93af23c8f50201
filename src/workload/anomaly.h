// SPDX-License-Identifier: PostgreSQL
/*
 * Anomaly: what is looked at, in which unit, what is bad about it, and how bad.
 *
 * Metrics are of a statement (ANOMALY_STATEMENT) and, summed up, of the target as a whole; the rest are of
 * the target alone. Times and counts are compared as ln(1 + v / unit): a statement of .05 ms that takes .1 ms
 * is no matter, one of 50 ms that takes 100 is. Ratios are compared as they are. A value that cannot be told
 * (no calls, too few blocks) is NAN and is no point.
 *
 * The severity is by the deviation in scales of the baseline (anomaly_baseline.h), the thresholds are
 * settings. Low and medium ones are for the graph; who may wake somebody is anomaly_alert.h's business.
 *
 * ANOMALY_METRICS is append-only: a metric's place is part of what is stored (fettle.anomaly_points).
 * ANOMALY_TYPE_COUNT as type: it is evidence, and no finding of its own.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_H
#define FETTLE_WORKLOAD_ANOMALY_H

#include "base/attributes.h"
#include "base/settings.h"

typedef enum AnomalyType {
    ANOMALY_LOCK_WAIT, /* in the order in which one explains the next */
    ANOMALY_PLAN_CHANGE,
    ANOMALY_BLOAT,
    ANOMALY_ROW_COUNT,
    ANOMALY_CACHE,
    ANOMALY_RATE,
    ANOMALY_NEW_QUERY,
    ANOMALY_IO,
    ANOMALY_TIME,
    ANOMALY_TYPE_COUNT
} AnomalyType;

typedef enum AnomalySpace { ANOMALY_LOGARITHM, ANOMALY_RATIO } AnomalySpace;
typedef enum AnomalySide { ANOMALY_DOWN = -1, ANOMALY_BOTH = 0, ANOMALY_UP = 1 } AnomalySide;

/* X(id, "name", space, unit, side, type, is of statements too) */
#define ANOMALY_METRICS(X)                                                                                   \
    X(ANOMALY_MEAN_MS, "mean_exec_time_ms", ANOMALY_LOGARITHM, 0.1, ANOMALY_UP, ANOMALY_TIME, true)          \
    X(ANOMALY_CALLS, "calls_per_second", ANOMALY_LOGARITHM, 0.02, ANOMALY_BOTH, ANOMALY_RATE, true)          \
    X(ANOMALY_HIT_RATIO, "cache_hit_ratio", ANOMALY_RATIO, 0.02, ANOMALY_DOWN, ANOMALY_CACHE, true)          \
    X(ANOMALY_IO_MS, "io_time_ms", ANOMALY_LOGARITHM, 0.1, ANOMALY_UP, ANOMALY_IO, true)                     \
    X(ANOMALY_READ, "blocks_read", ANOMALY_LOGARITHM, 1, ANOMALY_UP, ANOMALY_IO, true)                       \
    X(ANOMALY_TOUCHED, "blocks_touched", ANOMALY_LOGARITHM, 1, ANOMALY_UP, ANOMALY_PLAN_CHANGE, true)        \
    X(ANOMALY_ROWS, "rows_per_call", ANOMALY_LOGARITHM, 1, ANOMALY_BOTH, ANOMALY_ROW_COUNT, true)            \
    X(ANOMALY_EXEC_MS, "exec_ms_per_second", ANOMALY_LOGARITHM, 1, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)    \
    X(ANOMALY_LOCKS, "locks_waited_for", ANOMALY_LOGARITHM, 0.25, ANOMALY_UP, ANOMALY_LOCK_WAIT, false)      \
    X(ANOMALY_ACTIVE, "connections_active", ANOMALY_LOGARITHM, 1, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)     \
    X(ANOMALY_SCANNED, "rows_returned", ANOMALY_LOGARITHM, 10, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)        \
    X(ANOMALY_WRITTEN, "rows_written", ANOMALY_LOGARITHM, 1, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)          \
    X(ANOMALY_TEMP, "temp_bytes", ANOMALY_LOGARITHM, 65536, ANOMALY_UP, ANOMALY_IO, false)                   \
    X(ANOMALY_WAL, "wal_bytes", ANOMALY_LOGARITHM, 1024, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)              \
    X(ANOMALY_CPU, "cpu_share", ANOMALY_RATIO, 0.05, ANOMALY_UP, ANOMALY_TYPE_COUNT, false)

typedef enum AnomalyMetric {
#define ANOMALY_ENUM(id, name, space, unit, side, type, statements) id,
    ANOMALY_METRICS(ANOMALY_ENUM)
#undef ANOMALY_ENUM
        ANOMALY_METRIC_COUNT
} AnomalyMetric;

#define ANOMALY_STATEMENT_METRICS ((size_t)7) /* the first ones */

typedef struct AnomalyMetricInfo {
    const char *name;
    AnomalySpace space;
    double unit;
    AnomalySide side;
    AnomalyType type; /* ANOMALY_TYPE_COUNT: evidence only */
    bool is_of_statements;
} AnomalyMetricInfo;

typedef enum AnomalySeverity {
    ANOMALY_NONE,
    ANOMALY_LOW,
    ANOMALY_MEDIUM,
    ANOMALY_HIGH,
    ANOMALY_CRITICAL,
    ANOMALY_SEVERITY_COUNT
} AnomalySeverity;

typedef struct AnomalyThresholds {
    double z[ANOMALY_SEVERITY_COUNT]; /* the least deviation of each; of ANOMALY_NONE: 0 */
} AnomalyThresholds;

const AnomalyMetricInfo *anomaly_metric_info(AnomalyMetric metric);
bool anomaly_metric_find(const char *name, AnomalyMetric *ret_metric);
const char *anomaly_type_word(AnomalyType type);
bool anomaly_type_find(const char *word, AnomalyType *ret_type);
const char *anomaly_severity_word(AnomalySeverity severity);
AnomalySeverity anomaly_severity_find(const char *word); /* ANOMALY_NONE: no such word */

AnomalyThresholds anomaly_thresholds_of(const Settings *settings);
AnomalySeverity anomaly_severity_of(const AnomalyThresholds *thresholds, double z);

/* To the space of comparison and back. NAN stays NAN. */
double anomaly_transform(AnomalyMetric metric, double value);
double anomaly_restore(AnomalyMetric metric, double transformed);
/* The deviation to the bad side, 0 or more: of a metric that is bad on one side only, 0 on the other. */
double anomaly_badness(AnomalyMetric metric, double z);

#endif
