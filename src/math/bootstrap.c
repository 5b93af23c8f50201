// SPDX-License-Identifier: PostgreSQL
#include "math/bootstrap.h"

/* One draw; false when it met no weight. */
static bool
draw_mean(const BootstrapSeries *series, size_t length, size_t block, Random *random, double *ret_mean)
{
    double sum = 0;
    double weight = 0;
    for (size_t drawn = 0; drawn < length;) {
        size_t first = (size_t)random_below(random, series->count - block + 1);
        size_t size = block < length - drawn ? block : length - drawn;
        size_t after = first + size;
        for (size_t i = first; i < after; i++) {
            sum += series->weights[i] * (series->weights[i] > 0 ? series->values[i] : 0);
            weight += series->weights[i];
        }
        drawn += size;
    }
    *ret_mean = sum / weight;
    return weight > 0;
}

void
bootstrap_means(const BootstrapSeries *series, size_t length, size_t block, Random *random, double *ret_means,
                size_t draws)
{
    double weight = 0;
    for (size_t i = 0; i < series->count; i++)
        weight += series->weights[i];
    fettle_assert(length > 0 && block > 0 && block <= series->count && weight > 0);
    /* a longer one would never be drawn to its end, where all the weight may be */
    block = block < length ? block : length;
    for (size_t i = 0; i < draws; i++)
        while (!draw_mean(series, length, block, random, &ret_means[i]))
            continue;
}
