// SPDX-License-Identifier: PostgreSQL
/*
 * Shift: the day from which on a workload is another one, in its calls or in their mean time; see
 * trend_shift(). Only the greatest one of a series is told. Pure.
 */
#ifndef FETTLE_WORKLOAD_SHIFT_H
#define FETTLE_WORKLOAD_SHIFT_H

#include "workload/series.h"

typedef struct WorkloadShift {
    const char *metric; /* "queries", "avg_ms" */
    int64_t day;        /* since 1970: the first one of the new level */
    double change;      /* -.4: 40 % less than before */
    const char *severity;
} WorkloadShift;

/* Up to two, one for each metric; returns how many. */
size_t shifts_find(Arena *arena, const HourlySeries *series, WorkloadShift ret_shifts[2]);

#endif
