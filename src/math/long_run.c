// SPDX-License-Identifier: PostgreSQL
#include "math/long_run.h"

#include <math.h>

#define COEFFICIENT_MOST 0.97

static double
lagged_product(const double *values, size_t count, size_t lag)
{
    double sum = 0;
    for (size_t i = lag; i < count; i++)
        sum += values[i] * values[i - lag];
    return sum;
}

/* Bartlett's weight of a lag's product, which stands for both signs of the lag. */
static double
bartlett_weight(size_t k, size_t lag)
{
    return k == 0 ? 1 : 2 * (1 - (double)k / (double)(lag + 1));
}

double
long_run_variance(const double *deviations, size_t count, size_t lag)
{
    fettle_assert(lag < count);
    double sum = 0;
    for (size_t k = 0; k <= lag; k++)
        sum += bartlett_weight(k, lag) * lagged_product(deviations, count, k);
    return fmax(sum, 0) / (double)count;
}

double
long_run_variance_of_sums(const double *sums, size_t count, size_t lag)
{
    fettle_assert(lag < count);
    double sum = 0;
    for (size_t k = 0; k <= lag; k++)
        sum += bartlett_weight(k, lag) * sums[k];
    return fmax(sum, 0) / (double)count;
}

/* The whitened value at i. */
static double
whitened(const double *deviations, size_t i, double coefficient)
{
    return deviations[i] - coefficient * deviations[i - 1];
}

double
long_run_variance_whitened(const double *deviations, size_t count, size_t lag)
{
    fettle_assert(count > 1 && lag < count - 1);
    double square = lagged_product(deviations, count, 0);
    if (square <= 0)
        return 0;
    double coefficient = lagged_product(deviations, count, 1) / square;
    coefficient = fmin(fmax(coefficient, -COEFFICIENT_MOST), COEFFICIENT_MOST);
    double sum = 0;
    for (size_t k = 0; k <= lag; k++) {
        double products = 0;
        for (size_t i = k + 1; i < count; i++)
            products += whitened(deviations, i, coefficient) * whitened(deviations, i - k, coefficient);
        sum += bartlett_weight(k, lag) * products;
    }
    return fmax(sum, 0) / (double)(count - 1) / ((1 - coefficient) * (1 - coefficient));
}

size_t
long_run_lag(size_t count)
{
    return (size_t)floor(4 * pow((double)count / 100, 2.0 / 9));
}

size_t
long_run_memory(const double *deviations, size_t count, size_t most, double limit)
{
    fettle_assert(most > 0 && most < count);
    double square = lagged_product(deviations, count, 0);
    for (size_t lag = 1; lag < most && square > 0; lag++)
        if (lagged_product(deviations, count, lag) < limit * square)
            return lag;
    return square > 0 ? most : 1;
}

double
long_run_freedom(size_t count, size_t lag)
{
    return fmax((double)count / (double)(lag + 1), 1);
}
