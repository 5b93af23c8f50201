// SPDX-License-Identifier: PostgreSQL
/*
 * Long run: the variance of means of a series that depends on its own past.
 *
 * The long-run variance L is that of a single independent value that would scatter means as much: a mean of
 * n values has variance L / n. It is the sum of the autocovariances over all lags; with the weights of
 * Bartlett up to a lag (Newey and West 1987) it cannot be negative, and it equals the mean of the squared
 * sums over all windows of lag + 1 values, over lag + 1 (Politis and Romano 1994). The lag decides: too short
 * leaves covariance out and makes intervals too narrow, too long is noisy, which Student's t with
 * long_run_freedom() allows for.
 *
 * Values are deviations: their mean is taken to be 0, and a missing one is 0 (Parzen 1963), so that sums of
 * weighted deviations over a calendar with gaps need nothing else. Pure, any thread, O(count lag).
 *
 *     double variance = long_run_variance(deviations, count, 96) / (double)count;
 */
#ifndef FETTLE_MATH_LONG_RUN_H
#define FETTLE_MATH_LONG_RUN_H

#include "base/attributes.h"

/* lag < count. */
double long_run_variance(const double *deviations, size_t count, size_t lag);
/* The same from sums of lagged products, sums[k] = sum of x_t x_(t + k), for lags 0 .. lag: who needs several
 * lags makes these once (fourier_correlate). */
double long_run_variance_of_sums(const double *sums, size_t count, size_t lag);
/* The same of the residuals of an autoregression of the first order, undone afterwards (Andrews and Monahan
 * 1992): less bias where the memory fades by a constant share. Its coefficient is held within -.97 .. .97. */
double long_run_variance_whitened(const double *deviations, size_t count, size_t lag);
/* The usual rule of a lag, floor(4 (count / 100)^(2/9)) (Newey and West 1994). */
size_t long_run_lag(size_t count);
/* The first lag, up to most < count, at which the autocorrelation is below limit; most when none is; 1 for a
 * series without variance. */
size_t long_run_memory(const double *deviations, size_t count, size_t most, double limit);
/* Degrees of freedom with which Student's t stands for a mean over the variance with that lag: count / (lag +
 * 1), at least 1; near the critical values of Kiefer and Vogelsang (2005) for lags up to an eighth of count.
 */
double long_run_freedom(size_t count, size_t lag);

#endif
