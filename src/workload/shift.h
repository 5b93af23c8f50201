// SPDX-License-Identifier: PostgreSQL
/*
 * Shift: the day from which on a workload is another one.
 *
 * The hourly values, as logs less their hour's median (their weekday's hour's when there are four weeks),
 * give a median for each day with 12 observed hours; the greatest excursion of the two-sided cumulative sum
 * of those (Page 1954) is the candidate, with 3 days or more on both sides. It is a shift when the levels
 * differ by 30 % (medium) or 50 % (high), and by four standard errors of the days' scatter. Only the greatest
 * one of a series is told. Pure.
 */
#ifndef FETTLE_WORKLOAD_SHIFT_H
#define FETTLE_WORKLOAD_SHIFT_H

#include "workload/series.h"

#define SHIFT_DAYS_LEAST 6

typedef struct WorkloadShift {
    const char *metric; /* "queries", "avg_ms" */
    int64_t day;        /* since 1970: the first one of the new level */
    double change;      /* -.4: 40 % less than before */
    const char *severity;
} WorkloadShift;

/* Up to two, one for each metric; returns how many. */
size_t shifts_find(Arena *arena, const HourlySeries *series, WorkloadShift ret_shifts[2]);

#endif
