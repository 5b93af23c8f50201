// SPDX-License-Identifier: PostgreSQL
#include "workload/decompose.h"

#include <math.h>

/* The mean over a season around each; where nothing is known there, the level before (or the next after). */
static void
take_level(Arena *arena, const double *values, size_t count, size_t season, double *ret_level)
{
    double *sums = ARENA_NEW_ARRAY(arena, double, count + 1);
    double *known = ARENA_NEW_ARRAY(arena, double, count + 1);
    size_t width = season < count ? season : count;
    for (size_t i = 0; i < count; i++) {
        sums[i + 1] = sums[i] + (isnan(values[i]) ? 0 : values[i]);
        known[i + 1] = known[i] + !isnan(values[i]);
    }
    for (size_t i = 0; i < count; i++) {
        size_t low = i > width / 2 ? i - width / 2 : 0;
        low = low + width > count ? count - width : low;
        double weight = known[low + width] - known[low];
        ret_level[i] = weight > 0 ? (sums[low + width] - sums[low]) / weight : NAN;
    }
    for (size_t i = 1; i < count; i++)
        if (isnan(ret_level[i]))
            ret_level[i] = ret_level[i - 1];
    for (size_t i = count - 1; i-- > 0;)
        if (isnan(ret_level[i]))
            ret_level[i] = ret_level[i + 1];
}

/* Means of the phases, less their mean, taken from the rest. */
static void
take_season(Arena *arena, size_t season, size_t count, double *rest, double *ret_season)
{
    double *sums = ARENA_NEW_ARRAY(arena, double, season);
    double *weights = ARENA_NEW_ARRAY(arena, double, season);
    double mean = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(rest[i])) {
            sums[i % season] += rest[i];
            weights[i % season] += 1;
        }
    for (size_t phase = 0; phase < season; phase++) {
        sums[phase] = weights[phase] > 0 ? sums[phase] / weights[phase] : 0;
        mean += sums[phase] / (double)season;
    }
    for (size_t i = 0; i < count; i++) {
        ret_season[i] = sums[i % season] - mean;
        rest[i] -= ret_season[i];
    }
}

Decomposition
decompose(Arena *arena, const double *values, size_t count, const size_t *seasons)
{
    fettle_assert(count > 0);
    Decomposition parts = {.count = count,
                           .level = ARENA_NEW_ARRAY(arena, double, count),
                           .rest = ARENA_NEW_ARRAY(arena, double, count)};
    size_t longest = 1;
    for (size_t s = 0; s < DECOMPOSE_SEASONS_MOST; s++) {
        parts.season[s] = ARENA_NEW_ARRAY(arena, double, count);
        if (count >= 2 * seasons[s])
            parts.seasons[s] = seasons[s];
        longest = parts.seasons[s] > longest ? parts.seasons[s] : longest;
    }
    /* without a season the level is a day's */
    take_level(arena, values, count, longest > 1 ? longest : 24, parts.level);
    for (size_t i = 0; i < count; i++)
        parts.rest[i] = values[i] - parts.level[i];
    for (size_t s = 0; s < DECOMPOSE_SEASONS_MOST; s++)
        if (parts.seasons[s] > 0)
            take_season(arena, parts.seasons[s], count, parts.rest, parts.season[s]);
    return parts;
}
