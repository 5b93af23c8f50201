// SPDX-License-Identifier: PostgreSQL
/*
 * AnomalyJob: a job that runs every so often, and whether it has stopped to.
 *
 * A job is a comb in the deviations of a series: at some phases of its period they are higher, every time.
 *
 *   find     of all periods of ANOMALY_JOB_PERIOD_LEAST steps to half a day, the shortest whose phases
 * explain nearly as much as those of the best one (adjusted for their number); its phases are parted in two
 *            where that explains most (Otsu 1979). Each period that has gone by has a contrast: the median of
 *            the job's phases less the median of the others, so that no level, day or weekend is in it. It is
 *            a job when it was nearly always there: contrasts at least twice what is between present and
 *            missing, in nearly all periods
 *   missing  the contrasts of the newest periods are less than half of what is usual. So many in a row that
 *            misses as often as they were would make it one chance in a thousand, and longer than it ever was
 *            missing before
 *
 * The newest day does not say what is usual. Steps are numbered in absolute time (a point's end over the
 * step), so that gaps move nothing; NaN is not known. Pure; scratch memory is rewound. Finding takes 0.4 ms
 * of a week of five minutes.
 */
#ifndef FETTLE_WORKLOAD_ANOMALY_JOB_H
#define FETTLE_WORKLOAD_ANOMALY_JOB_H

#include "base/arena.h"

#define ANOMALY_JOB_PERIOD_LEAST ((size_t)6)
#define ANOMALY_JOB_PERIOD_MOST ((size_t)144)  /* steps; half a day of five minutes */
#define ANOMALY_JOB_PERIODS_LEAST ((size_t)12) /* seen before it is believed */
#define ANOMALY_JOB_DAY ((size_t)288) /* the newest steps, which are judged and do not say what is usual */

/* Deviations in scales of the baseline, one a step. */
typedef struct AnomalyJobSeries {
    const float *deviations;
    size_t count;
    int64_t first; /* the number of the first step */
} AnomalyJobSeries;

typedef struct AnomalyJob {
    size_t period;                       /* steps; 0: there is no job */
    bool is_on[ANOMALY_JOB_PERIOD_MOST]; /* by phase: the step's number modulo the period */
    double usual;                        /* contrast */
    size_t periods;
    size_t misses;
    size_t misses_in_a_row;
} AnomalyJob;

AnomalyJob anomaly_job_find(Arena *arena, const AnomalyJobSeries *series);
/* Whether it has not run lately; the series ends with the newest step. */
bool anomaly_job_is_missing(Arena *arena, const AnomalyJob *job, const AnomalyJobSeries *series);

#endif
