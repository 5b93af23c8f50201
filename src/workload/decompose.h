// SPDX-License-Identifier: PostgreSQL
/*
 * Decompose: a series as level + seasons + rest, for people to look at.
 *
 *     value = level (moving mean over the longest season) + day + week + rest
 *
 * The sum is exact where the value is known. The profiles are the same over the whole window and have mean 0;
 * the level is known everywhere, the rest is NaN in gaps. At both ends the level is that of the first and
 * last whole season. A season of which less than two cycles are there is left out (its length becomes 0).
 */
#ifndef FETTLE_WORKLOAD_DECOMPOSE_H
#define FETTLE_WORKLOAD_DECOMPOSE_H

#include "base/arena.h"

#define DECOMPOSE_SEASONS_MOST 2

typedef struct Decomposition {
    size_t count;
    size_t seasons[DECOMPOSE_SEASONS_MOST]; /* hours; 0: none */
    double *level;
    double *season[DECOMPOSE_SEASONS_MOST]; /* by hour of the series, zeros without a season */
    double *rest;
} Decomposition;

/* seasons as of a forecast, the shorter first. count > 0. */
Decomposition decompose(Arena *arena, const double *values, size_t count, const size_t *seasons);

#endif
