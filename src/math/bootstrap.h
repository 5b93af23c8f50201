// SPDX-License-Identifier: PostgreSQL
/*
 * Bootstrap: how far a weighted mean of a series that depends on its own past would scatter.
 *
 * The moving-block bootstrap (Künsch 1989): the series is drawn anew from its own blocks of consecutive
 * values, which overlap, so that what lies closer together than a block stays as it was. A block that is
 * shorter than the memory of the series makes the scatter too small; see long_run_memory().
 *
 * Pure, any thread; the same random state gives the same draws.
 *
 *     Random random = random_new(seed);
 *     BootstrapSeries series = {.values = values, .weights = weights, .count = count};
 *     bootstrap_means(&series, 100, 8, &random, means, 1000);   means of 100 values each
 */
#ifndef FETTLE_MATH_BOOTSTRAP_H
#define FETTLE_MATH_BOOTSTRAP_H

#include "base/random.h"

typedef struct BootstrapSeries {
    const double *values;
    const double *weights; /* none negative, not all 0; a value that is missing has weight 0 */
    size_t count;
} BootstrapSeries;

/* The weighted means of so many draws, each of length values (>= 1) in blocks of 1 .. count of them. A draw
 * whose weights are all 0 is drawn anew. */
void bootstrap_means(const BootstrapSeries *series, size_t length, size_t block, Random *random,
                     double *ret_means, size_t draws);

#endif
