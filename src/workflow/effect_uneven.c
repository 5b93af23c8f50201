// SPDX-License-Identifier: PostgreSQL
#include "workflow/effect_internal.h"

#include <math.h>

/* A squared deviation counts as this at most, so that one control that flips is not all of them; what such a
 * square of a normal value is in the mean, and how it scatters. */
#define SQUARE_MOST 4.0
#define SQUARE_MEAN 0.9205
#define SQUARE_DEVIATION 1.1102
#define SQUARE_FREEDOM 0.885      /* what a square tells of the variance, of what one without a bound does */
#define COMMON_MOST 1e6           /* variance of logarithms: nothing real comes near */
#define DEVIATIONS_TO_BELIEVE 1.0 /* of the mean of squares */

/* What a control did besides the mixture; 0 where that is not known. */
static inline double
apart_at(const double *values, const double *together, size_t i)
{
    double apart = values[i] - together[i];
    return isnan(apart) ? 0 : apart;
}

/* The variance of a single value that makes means over so many slots as they were before: the mean square of
 * all windows of that length. */
static double
window_variance(const double *values, const double *together, size_t count, size_t length)
{
    double apart[EFFECT_BUCKETS_MOST];
    double sum = 0;
    double square = 0;
    size_t present = 0;
    for (size_t i = 0; i < count; i++) {
        apart[i] = apart_at(values, together, i);
        present += !isnan(values[i] - together[i]);
    }
    for (size_t i = 0; i < count; i++) {
        sum += apart[i] - (i >= length ? apart[i - length] : 0);
        square += i + 1 >= length ? sum * sum : 0;
    }
    double windows = (double)(count - length + 1);
    return present == 0 ? 0 : square / windows / (double)length * (double)count / (double)present;
}

/* The mean of the squared contrasts, each by its variance and what they have in common. */
static double
mean_square(const double *squares, const double *variances, size_t count, double common)
{
    double sum = 0;
    for (size_t k = 0; k < count; k++)
        sum += fmin(squares[k] / (variances[k] + common), SQUARE_MOST);
    return sum / (double)count;
}

EffectUneven
effect_uneven_find(const EffectPlan *plan, size_t slots)
{
    double squares[EFFECT_CONTROLS_MOST];
    double variances[EFFECT_CONTROLS_MOST];
    size_t count = 0;
    size_t before = plan->grid.before_end;
    size_t length = slots < plan->lag_most + 1 ? slots : plan->lag_most + 1;
    for (size_t k = 0; k < plan->usable_count; k++) {
        const double *values = plan->usable[k];
        double sum = 0;
        double present = 0;
        for (size_t i = plan->grid.after_first; i < plan->grid.after_first + slots; i++) {
            sum += apart_at(values, plan->together, i);
            present += !isnan(values[i] - plan->together[i]);
        }
        double variance = window_variance(values, plan->together, before, length);
        if (present < (double)slots / 2 || variance <= 0)
            continue;
        squares[count] = sum / present * sum / present;
        variances[count++] = variance * (1 / present + 1 / (double)before);
    }
    EffectUneven uneven = {.freedom = SQUARE_FREEDOM * (double)count};
    if (count < EFFECT_CONTROLS_LEAST)
        return uneven;
    double scatter = SQUARE_DEVIATION / sqrt((double)count);
    if (mean_square(squares, variances, count, 0) <= SQUARE_MEAN + DEVIATIONS_TO_BELIEVE * scatter)
        return uneven;
    double low = 0;
    double high = 1e-6;
    while (high < COMMON_MOST && mean_square(squares, variances, count, high) > SQUARE_MEAN)
        high *= 4;
    for (int halvings = 0; halvings < 30; halvings++) {
        double middle = (low + high) / 2;
        if (mean_square(squares, variances, count, middle) > SQUARE_MEAN)
            low = middle;
        else
            high = middle;
    }
    uneven.variance = high;
    return uneven;
}
