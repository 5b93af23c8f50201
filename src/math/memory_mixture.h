// SPDX-License-Identifier: PostgreSQL
/*
 * Memory mixture: noise that remembers, as a sum of parts that each forget at a pace of their own.
 *
 * Part 0 is white; part k > 0 is an autoregression of the first order whose memory falls to 1/e in
 * 2^(k - 1) steps, 1 to 256. Their variances are those that make the series' periodogram likeliest
 * (Whittle 1953). For given paces that is non-negative factorisation under the divergence of Itakura and
 * Saito, whose multiplicative steps raise the likelihood each time (Févotte, Bertin and Durrieu 2009), but
 * slowly near 0; after a few of them, non-negative least squares weighted anew (Fisher's scoring) do. Any
 * noise whose autocovariance is completely monotone, load and queues among it, is such a mixture; one that
 * alternates is not, and comes out as white, which is too wide and not too narrow.
 *
 * The variance of a mean of n values follows in closed form, from all of the series: less noisy than one from
 * the few windows of n values that it has (long_run.h). It errs upwards, by 10 to 15 %: variances cannot
 * be below 0.
 *
 * Values are deviations: their mean is taken to be 0 and a missing one is 0. Pure, any thread;
 * O(count log count).
 *
 *     memory_mixture_fit(arena, deviations, count, &mixture);
 *     double variance_of_mean = memory_mixture_variance(&mixture, 96) / 96;
 */
#ifndef FETTLE_MATH_MEMORY_MIXTURE_H
#define FETTLE_MATH_MEMORY_MIXTURE_H

#include "base/arena.h"

#define MEMORY_MIXTURE_PARTS ((size_t)10)

typedef struct MemoryMixture {
    double variances[MEMORY_MIXTURE_PARTS];
} MemoryMixture;

/* The autocorrelation of part's neighbouring values. */
double memory_mixture_coefficient(size_t part);
/* count 1 .. FOURIER_COUNT_MOST; variances are 0 for a series of zeros and for less than two values. */
void memory_mixture_fit(Arena *arena, const double *values, size_t count, MemoryMixture *ret_mixture);
/* Of the sum of so many neighbouring values, over their number; slots >= 1. */
double memory_mixture_variance(const MemoryMixture *mixture, size_t slots);

#endif
