// SPDX-License-Identifier: PostgreSQL
/*
 * Fourier: the discrete Fourier transform of real series of any length up to FOURIER_COUNT_MOST.
 *
 * Powers of two by the radix-2 algorithm (Cooley and Tukey 1965), other lengths through it by Bluestein's
 * chirp (1970): O(n log n) for every n, primes included. Double precision, error about 1e-12 of the largest
 * value. Memory comes from the caller's arena and stays there; rewind it.
 *
 *     fourier_power(arena, values, count, power);    power[k] = |sum_t x_t e^(-2 pi i k t / n)|^2, k <= n/2
 */
#ifndef FETTLE_MATH_FOURIER_H
#define FETTLE_MATH_FOURIER_H

#include "base/arena.h"

#include <complex.h>

#define FOURIER_COUNT_MOST ((size_t)16384)

/* In place, forward, not normalised; count 1 .. FOURIER_COUNT_MOST. */
void fourier_transform(Arena *arena, double complex *values, size_t count);
/* The squared magnitudes at count / 2 + 1 frequencies, 0 first. */
void fourier_power(Arena *arena, const double *values, size_t count, double *ret_power);
/* Sums of lagged products, ret_sums[lag] = sum of x_t x_(t + lag), for lags 0 .. lags - 1 < count. */
void fourier_correlate(Arena *arena, const double *values, size_t count, size_t lags, double *ret_sums);

#endif
