// SPDX-License-Identifier: PostgreSQL
/*
 * Statistics: location, spread and quantiles of plain arrays of doubles; bounds and corrections of tests.
 *
 * Pure functions without memory of their own. Values are finite: who has gaps leaves them out first. What
 * selects (median, quantile, deviation from the median) reorders the array it is given and takes O(n) on
 * average, by quickselect with a middle pivot. A count of 0 is an assert unless it says otherwise.
 *
 *     double scratch[] = {4, 1, 3};
 *     double middle = statistics_median(scratch, 3);
 */
#ifndef FETTLE_MATH_STATISTICS_H
#define FETTLE_MATH_STATISTICS_H

#include "base/attributes.h"

double statistics_mean(const double *values, size_t count);

/* Root of the mean squared difference from the mean, over count (population) or count - 1 (sample, which
 * is 0 for a single value). In two passes, so that equal values give 0 up to rounding of their mean. */
double statistics_deviation_population(const double *values, size_t count);
double statistics_deviation_sample(const double *values, size_t count);

/* The value that stands at a place (0 .. count - 1) once the array is sorted. Reorders. */
double statistics_select(double *values, size_t count, size_t place);
/* Element floor(.25 (n - 1)) of the sorted values: no interpolation, so that small integers stay what they
 * are. Reorders. */
double statistics_quartile_lower(double *values, size_t count);
/* Linear between the neighbours (R's type 7); share is 0 .. 1. Reorders. */
double statistics_quantile(double *values, size_t count, double share);
double statistics_median(double *values, size_t count);
/* Median of |value - centre|. Overwrites the values by their differences. */
double statistics_deviation_median(double *values, size_t count, double centre);

/* Lower bound of a share, hits of count, by Wilson (1927): z 1.96 is 97.5 % one-sided. 0 for count 0. */
double statistics_wilson_lower(size_t hits, size_t count, double z);

/* Benjamini and Hochberg (1995): keeps the largest set of p values of which a share q at most is expected to
 * be false. Sets ret_kept[i]; returns how many. scratch has room for count values. */
size_t statistics_false_discovery(const double *p_values, size_t count, double q, double *scratch,
                                  bool *ret_kept);

#endif
