// SPDX-License-Identifier: PostgreSQL
/*
 * Lone spikes would be the forecast of the next day: a value far from the median of its neighbours one, two
 * and three seasons away is put back to the bound. Only when they are few: what is often is how the series
 * is. A run that stays (a level shift) is no spike, nor is what happens in the newest hours for longer than
 * that.
 */
#include "math/statistics.h"
#include "workload/forecast_internal.h"

#include <math.h>
#include <string.h>

#define NEIGHBOURS 3 /* on each side */
#define SPREADS 6.0
#define SPIKES_MOST 0.02
#define RUN_MOST 3

/* The median of the logarithms at the same phase around; NaN with fewer than three known. */
static double
neighbours_median(const double *logs, size_t count, size_t at, size_t season)
{
    double known[2 * NEIGHBOURS];
    size_t found = 0;
    for (size_t n = 1; n <= NEIGHBOURS; n++) {
        if (n * season <= at && !isnan(logs[at - n * season]))
            known[found++] = logs[at - n * season];
        if (at + n * season < count && !isnan(logs[at + n * season]))
            known[found++] = logs[at + n * season];
    }
    return found < NEIGHBOURS ? NAN : statistics_median(known, found);
}

/* How far each is from its neighbours; the median of the distances. */
static double
distances(Arena *arena, const double *logs, size_t count, size_t season, double *ret_away)
{
    double *known = ARENA_NEW_ARRAY(arena, double, count + 1);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        ret_away[i] = logs[i] - neighbours_median(logs, count, i, season);
        if (!isnan(ret_away[i]))
            known[found++] = fabs(ret_away[i]);
    }
    return found == 0 ? 0 : statistics_median(known, found);
}

/* Leaves only the spikes of short runs; false when they are too many. */
static bool
keep_lone(bool *spikes, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count;) {
        size_t end = i;
        while (end < count && spikes[end])
            end++;
        if (end - i > RUN_MOST)
            memset(spikes + i, 0, (end - i) * sizeof(bool));
        else
            kept += end - i;
        i = end + 1;
    }
    return (double)kept <= SPIKES_MOST * (double)count;
}

double *
forecast_prepare(Arena *arena, const double *values, size_t count, const ForecastSeasons *seasons)
{
    double *prepared = ARENA_NEW_ARRAY(arena, double, count);
    double *logs = ARENA_NEW_ARRAY(arena, double, count);
    double *away = ARENA_NEW_ARRAY(arena, double, count);
    bool *spikes = ARENA_NEW_ARRAY(arena, bool, count);
    memcpy(prepared, values, count * sizeof(double));
    for (size_t i = 0; i < count; i++)
        logs[i] = log1p(values[i]);
    size_t season = seasons->hours[0] == 0 ? FORECAST_DAY : seasons->hours[0];
    double bound = SPREADS * 1.4826 * distances(arena, logs, count, season, away);
    if (bound <= 0)
        return prepared;
    for (size_t i = 0; i < count; i++)
        spikes[i] = fabs(away[i]) > bound; /* NaN is none */
    if (!keep_lone(spikes, count))
        return prepared;
    for (size_t i = 0; i < count; i++)
        if (spikes[i])
            prepared[i] = expm1(logs[i] - away[i] + copysign(bound, away[i]));
    for (size_t i = 0; i < count; i++)
        prepared[i] = prepared[i] < 0 ? 0 : prepared[i];
    return prepared;
}
