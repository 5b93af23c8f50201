// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyStream: how strange the newest stretch of a series is, point by point, without a model of it.
 *
 * Fed with deviations from a baseline. Two tests, each conformal (Burnaev and Ishimtsev 2016): a point's p is
 * the share of past scores that are not smaller, (1 + greater or equal) / (1 + all), whatever their
 * distribution: a p of .001 comes once in a thousand exchangeable points.
 *
 *   shape  the last ANOMALY_STREAM_LAGS deviations are a vector; its score is the mean distance to the
 *          ANOMALY_STREAM_NEAREST nearest of ANOMALY_STREAM_WINDOW past vectors
 *   level  the mean deviation of the last hours (exponentially weighted) less the mean of a week
 *
 * Besides, what is missing: the greatest deviation of the last ANOMALY_STREAM_RECENT points is less than half
 * of what it ever was before, and was always ANOMALY_STREAM_BURST or more: a job that ran all the time has
 * not run.
 *
 * The first ANOMALY_STREAM_WARM_UP points report nothing (p 1). Deviations are clipped to +-8 so that one
 * incident does not stretch the space for the next; unknown points are left out.
 *
 * Memory: 150 kB; time of a point: 50 us at a full window. One owner.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_STREAM_H
#define FETTLE_WORKLOAD_ANOMALY_STREAM_H

#include "base/arena.h"

#define ANOMALY_STREAM_LAGS ((size_t)19)
#define ANOMALY_STREAM_NEAREST ((size_t)27)
#define ANOMALY_STREAM_WINDOW ((size_t)1000)
#define ANOMALY_STREAM_SCORES ((size_t)4032) /* two weeks of five minutes */
#define ANOMALY_STREAM_WARM_UP ((size_t)150)

typedef struct AnomalyStream AnomalyStream;

/* Without shapes only the level is tested, which takes some nanoseconds a point. */
AnomalyStream *anomaly_stream_new(Arena *arena, bool with_shapes);
/* A point of the past: it is what later ones are compared with. */
void anomaly_stream_feed(AnomalyStream *stream, double deviation);
#define ANOMALY_STREAM_RECENT ((size_t)96) /* eight hours of five minutes */
#define ANOMALY_STREAM_BURST 3.0

typedef struct AnomalyStrangeness {
    double shape_p; /* 0 < p <= 1 */
    double level_p;
    double level; /* mean deviation of the last hours, in scales, less the week's */
    bool is_missing;
} AnomalyStrangeness;

AnomalyStrangeness anomaly_stream_add(AnomalyStream *stream, double deviation);
/* The smaller p of the two, counted twice because the better one was taken. */
double anomaly_strangeness_p(const AnomalyStrangeness *strangeness);

#endif
