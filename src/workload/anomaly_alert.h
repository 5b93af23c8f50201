// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyAlert: which of the deviations of one series are worth telling somebody.
 *
 * A point is bad by its severity on the bad side. It is an alert when
 *
 *   sudden   it and the point before are both high or critical on the same side, beyond all that was seen
 *            before (anomaly_is_beyond), and matter: half as much again, or .1 of a ratio
 *   single   it is critical, beyond, matters, and its stretch has p <= .001 (anomaly_stream.h)
 *   lasting  its level has p <= .001 and is ANOMALY_LEVEL_LEAST scales away on average over the last hours
 *
 *   missing  of a metric that is bad on both sides, what always came again and again has not come
 *
 * p comes from the stream where there is one; without it only sudden ones are found. Pure.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_ALERT_H
#define FETTLE_WORKLOAD_ANOMALY_ALERT_H

#include "workload/anomaly_baseline.h"
#include "workload/anomaly_stream.h"

#define ANOMALY_ALERT_P 0.001
#define ANOMALY_LEVEL_LEAST 1.5

typedef struct AnomalyFinding {
    double z; /* signed */
    AnomalySeverity severity;
    bool is_beyond;
    bool matters;
    bool is_alert;
    bool is_missing;  /* the alert is of what has not come; the point itself is usual */
    int64_t since_us; /* of an alert: the first of its points */
} AnomalyFinding;

/* Judges the newest of the points (count 1 or more, ascending); strangeness is of it, NULL: not known. */
AnomalyFinding anomaly_judge(AnomalyMetric metric, const AnomalyBaseline *baseline,
                             const AnomalyThresholds *thresholds, const AnomalyPoint *points, size_t count,
                             const AnomalyStrangeness *strangeness);

#endif
