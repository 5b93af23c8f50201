// SPDX-License-Identifier: PostgreSQL
/*
 * Capacity: on which day a size (or a number of connections) reaches its limit, with how it may come
 * otherwise.
 *
 * The days' values are a line and what deviates from it, which remembers itself from day to day:
 *
 *     y(t) = a + b t + u(t),   u(t) = phi u(t - 1) + e(t)
 *
 * phi near 0: connections of a day, which come back to their line; phi 1: a database that grows by what it
 * is given, and does not come back. It is 1 unless Dickey and Fuller's test refuses that. Two thousand
 * futures are drawn (sieve bootstrap; Bühlmann 1997): each has a growth as uncertain as such a history leaves
 * it (the line is fitted again to a history drawn anew from the same errors), goes on from the last value,
 * and adds errors drawn from those that were. The median of the days at which they reach the limit is the
 * date, 2.5 and 97.5 percent of them its range; a future that does not reach it within the horizon counts as
 * later than that. Growth is taken to be linear, and nobody to clean up.
 *
 * A history of n days tells about 6 n days ahead and no more than a year. Fewer than CAPACITY_DAYS_LEAST
 * known days tell nothing. Seeded: the same days give the same dates.
 */
#ifndef FETTLE_WORKLOAD_CAPACITY_H
#define FETTLE_WORKLOAD_CAPACITY_H

#include "base/arena.h"

#define CAPACITY_DAYS_LEAST ((size_t)7)
#define CAPACITY_GAP_MOST ((size_t)2)
#define CAPACITY_DAYS_MOST ((size_t)400)
#define CAPACITY_HORIZON_MOST ((size_t)365)

typedef enum CapacityVerdict {
    CAPACITY_CANNOT_TELL, /* too few days, or none of the last CAPACITY_GAP_MOST */
    CAPACITY_NOT_SOON,    /* half of the futures or more do not reach it within the horizon */
    CAPACITY_DATED,
    CAPACITY_REACHED,  /* already */
    CAPACITY_NO_LIMIT, /* none is known: only the growth is told */
} CapacityVerdict;

typedef struct Capacity {
    CapacityVerdict verdict;
    double now; /* the last known value */
    double limit;
    double days; /* from the last of the values, known or not; INFINITY: not within the horizon */
    double days_low;
    double days_high;
    double chance; /* that it is reached within the horizon, 0 .. 1 */
    size_t horizon_days;
    size_t known_days;
    size_t days_since; /* the last known one */
    double growth;     /* a day */
    double growth_low;
    double growth_high; /* 95 % */
} Capacity;

/* values: one a day, NaN unknown, the last CAPACITY_DAYS_MOST count; the last one is known, or the newest
 * known one within CAPACITY_GAP_MOST stands for it. limit NaN: none. */
Capacity capacity_find(Arena *arena, const double *values, size_t count, double limit);

const char *capacity_verdict_word(CapacityVerdict verdict);

#endif
