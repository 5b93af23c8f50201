// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyBaseline: what is usual for one metric at each hour of the day, how far it strays, and how far it
 * has ever strayed.
 *
 *   centre  the median of the points of that hour of the day and its two neighbours, where there are 10 of
 *           them; else of all points
 *   scale   1.4826 x the median distance from the centres, at least 2 % and at least one unit of the metric
 *   tails   the greatest deviation to each side but one, and one more of a thousand: what was seen before
 *           is no news, whatever the distribution. Two points in a row beyond it are one chance in a million,
 * if points are exchangeable
 *
 * All in the space of comparison (anomaly_transform). Medians take no harm from anomalous points that are in
 * it; tails would, so whoever makes a baseline leaves out the times of known incidents. Fewer than
 * ANOMALY_POINTS_LEAST points are no baseline. Pure; scratch memory is rewound.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_BASELINE_H
#define FETTLE_WORKLOAD_ANOMALY_BASELINE_H

#include "base/arena.h"
#include "workload/anomaly.h"

#define ANOMALY_POINTS_LEAST ((size_t)10)
#define ANOMALY_HOURS 24

typedef struct AnomalyPoint {
    int64_t at_us; /* its end */
    double value;  /* in the metric's own unit; NAN: not known */
} AnomalyPoint;

typedef struct AnomalyBaseline {
    size_t points;
    double centres[ANOMALY_HOURS];
    double scale;
    double tail_low; /* deviations, in scales; <= 0 */
    double tail_high;
    double least; /* in the metric's own unit */
    double greatest;
} AnomalyBaseline;

/* Points ascend. False: too few are known. */
bool anomaly_baseline_of(Arena *arena, AnomalyMetric metric, const AnomalyPoint *points, size_t count,
                         AnomalyBaseline *ret_baseline);

/* UTC. */
int anomaly_hour_of(int64_t at_us);
/* The deviation of a point; NAN when its value is not known. */
double anomaly_deviation(const AnomalyBaseline *baseline, AnomalyMetric metric, const AnomalyPoint *point);
/* What is usual at a time, in the metric's own unit. */
double anomaly_usual(const AnomalyBaseline *baseline, AnomalyMetric metric, int64_t at_us);
/* True when the deviation is beyond all that was seen before. A young baseline has not seen much: it asks
 * for 1 + 10 / points times the deviation that an old one does. */
bool anomaly_is_beyond(const AnomalyBaseline *baseline, double z, double z_least);

#endif
