// SPDX-License-Identifier: PostgreSQL
/*
 * Period: after how many hours a series repeats itself; or that it does not.
 *
 * After AUTOPERIOD (Vlachos, Yu and Castelli 2005), made robust and repeated on what is left:
 *
 *   prepare   gaps interpolated, ln(1 + y), less a moving mean of two weeks, scaled by the median deviation
 * and clipped, so that neither trend nor spikes count search    the greatest line of the windowed periodogram
 * that Fisher's test (1929) finds; the smallest of its multiples with a peak of the autocorrelation, for
 * lines are harmonics too fold      what repeats only rarely and shortly (a job of an hour each 37) has no
 * line: it is found by the means of all phases, for every period up to 200 accept    at least 2.5 periods are
 * seen, and the phase means of one half of the time explain the other half repeat    on the series less its
 * phase means
 *
 * Day and week are tested against each other: a daily series also repeats weekly, which is no period of its
 * own unless its weekdays differ. Months are no constant period; see pattern.h.
 *
 * Pure; all memory from the arena.
 */
#ifndef FETTLE_WORKLOAD_PERIOD_H
#define FETTLE_WORKLOAD_PERIOD_H

#include "base/arena.h"

#define PERIOD_MOST 3
#define PERIOD_HOURS_LEAST ((size_t)72)
/* What is longer the moving mean makes itself, out of a random walk. */
#define PERIOD_HOURS_MOST ((size_t)200)
#define PERIOD_GAPS_MOST 0.25

typedef enum PeriodVerdict {
    PERIOD_SEARCHED,  /* periods, or none */
    PERIOD_TOO_SHORT, /* fewer than PERIOD_HOURS_LEAST hours */
    PERIOD_TOO_FEW,   /* too many gaps */
} PeriodVerdict;

typedef struct Periods {
    PeriodVerdict verdict;
    size_t hours[PERIOD_MOST]; /* ascending */
    double share[PERIOD_MOST]; /* of the prepared series' variance that its phase means explain, 0 .. 1 */
    size_t count;
} Periods;

/* values: one an hour, NaN where not observed, none negative. count up to FOURIER_COUNT_MOST. */
Periods period_detect(Arena *arena, const double *values, size_t count);

/* The longest period that so many hours could show: of a week it takes 18 days. */
size_t period_longest(size_t count);

/* Autocorrelation of the values at a lag over the hours of which both are known; NaN when fewer than half of
 * count - lag are, or nothing varies. */
double period_autocorrelation(const double *values, size_t count, size_t lag);

#endif
