// SPDX-License-Identifier: PostgreSQL
#include "math/statistics.h"

#include <math.h>
#include <stdlib.h>

double
statistics_mean(const double *values, size_t count)
{
    fettle_assert(count > 0);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static double
squares_about_mean(const double *values, size_t count)
{
    double mean = statistics_mean(values, count);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum;
}

double
statistics_deviation_population(const double *values, size_t count)
{
    return sqrt(squares_about_mean(values, count) / (double)count);
}

double
statistics_deviation_sample(const double *values, size_t count)
{
    return count < 2 ? 0 : sqrt(squares_about_mean(values, count) / (double)(count - 1));
}

/* Hoare's partition of [low, high] by a value in its middle; *ret_left ends below, *ret_right above. */
static void
partition(double *values, size_t low, size_t high, size_t *ret_left, size_t *ret_right)
{
    double pivot = values[low + (high - low) / 2];
    size_t left = low;
    size_t right = high;
    while (left <= right) {
        while (values[left] < pivot)
            left++;
        while (values[right] > pivot)
            right--;
        if (left > right)
            break;
        double swapped = values[left];
        values[left++] = values[right];
        values[right] = swapped;
        if (right == 0)
            break;
        right--;
    }
    *ret_left = left;
    *ret_right = right;
}

double
statistics_select(double *values, size_t count, size_t place)
{
    fettle_assert(place < count);
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        size_t left;
        size_t right;
        partition(values, low, high, &left, &right);
        if (place <= right)
            high = right;
        else if (place >= left)
            low = left;
        else
            break;
    }
    return values[place];
}

double
statistics_quartile_lower(double *values, size_t count)
{
    fettle_assert(count > 0);
    return statistics_select(values, count, (count - 1) / 4);
}

double
statistics_quantile(double *values, size_t count, double share)
{
    fettle_assert(count > 0 && share >= 0 && share <= 1);
    double place = share * (double)(count - 1);
    size_t below = (size_t)place;
    double low = statistics_select(values, count, below);
    double rest = place - (double)below;
    if (rest == 0)
        return low;
    /* all that stands above the place is not smaller: its least is the neighbour */
    double high = values[below + 1];
    for (size_t i = below + 2; i < count; i++)
        high = fmin(high, values[i]);
    return low + rest * (high - low);
}

double
statistics_median(double *values, size_t count)
{
    return statistics_quantile(values, count, 0.5);
}

double
statistics_deviation_median(double *values, size_t count, double centre)
{
    for (size_t i = 0; i < count; i++)
        values[i] = fabs(values[i] - centre);
    return statistics_median(values, count);
}

double
statistics_wilson_lower(size_t hits, size_t count, double z)
{
    fettle_assert(hits <= count);
    if (count == 0)
        return 0;
    double n = (double)count;
    double share = (double)hits / n;
    double square = z * z;
    double root = sqrt(share * (1 - share) / n + square / (4 * n * n));
    return fmax(0, (share + square / (2 * n) - z * root) / (1 + square / n));
}

static int
compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

size_t
statistics_false_discovery(const double *p_values, size_t count, double q, double *scratch, bool *ret_kept)
{
    /* Only p up to q can be kept: the limit of the largest is q itself. */
    size_t small = 0;
    for (size_t i = 0; i < count; i++)
        if (p_values[i] <= q)
            scratch[small++] = p_values[i];
    if (small > 1)
        qsort(scratch, small, sizeof(*scratch), compare_doubles);
    size_t kept = small;
    while (kept > 0 && scratch[kept - 1] > q * (double)kept / (double)count)
        kept--;
    for (size_t i = 0; i < count; i++)
        ret_kept[i] = kept > 0 && p_values[i] <= scratch[kept - 1];
    return kept;
}
