// SPDX-License-Identifier: PostgreSQL
/*
 * Trend: whether a series rises or falls over a window, and whether it changed all at once (contract,
 * section 11).
 *
 * change_percent compares the mean of the second half of the window with that of the first; above 10 percent
 * it is increasing, below -10 decreasing. With 14 days and more the oldest days are left out until both
 * halves are whole weeks, for a weekend in one half would look like a trend. Mann and Kendall's test (Mann
 * 1945, Kendall 1975) over the days' medians says how likely chance would do as much; it does not change the
 * word.
 *
 * A shift is the place where the cumulated deviations (CUSUM) of the days' levels, without the seasons, are
 * greatest, if both sides have three days, a step fits better than a line, the difference is beyond what the
 * days' own scatter gives, and it is 30 percent (medium) or 50 (high).
 *
 * Gaps are NaN and left out. Pure; memory from the arena.
 */
#ifndef FETTLE_WORKLOAD_TREND_H
#define FETTLE_WORKLOAD_TREND_H

#include "base/arena.h"

#define TREND_PERCENT_LEAST 10.0
#define SHIFT_PERCENT_MEDIUM 30.0
#define SHIFT_PERCENT_HIGH 50.0

typedef enum TrendWord { TREND_STABLE, TREND_INCREASING, TREND_DECREASING } TrendWord;

typedef struct Trend {
    TrendWord word;        /* stable also when it cannot be told */
    double change_percent; /* NaN: one half is not known, or the first is zero */
    double chance;         /* Mann and Kendall's p, two-sided; NaN with fewer than 8 days */
    size_t hours;          /* that were compared */
} Trend;

typedef struct Shift {
    size_t at; /* the first hour of its first day */
    double change_percent;
    bool is_high;
} Shift;

/* hour_of_first: of the day, 0 .. 23, where values[0] stands; days are the calendar's. */
Trend trend_find(Arena *arena, const double *values, size_t count, int hour_of_first);
const char *trend_word(TrendWord word);

/* False: there is none. seasons as of decompose(). */
bool trend_shift(Arena *arena, const double *values, size_t count, const size_t *seasons, Shift *ret_shift);

#endif
