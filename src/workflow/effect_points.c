// SPDX-License-Identifier: PostgreSQL
#include "math/statistics.h"
#include "workflow/effect_internal.h"

#include <math.h>

#define CALLS_IN_BUCKET 5.0
#define CALLS_OF_FULL_WEIGHT 30.0
#define NEIGHBOURS 2 /* on each side */
/* Times have heavy tails: a bound here takes a hundredth of what normal noise knows at most, and half of what
 * one spike moves at four deviations (Huber 1964). */
#define SPIKE_DEVIATIONS 2.5

int64_t
effect_floor_divide(int64_t value, int64_t divisor)
{
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

EffectGrid
effect_grid_make(const EffectWindow *window, size_t join)
{
    int64_t width = INT64_C(1) << join;
    int64_t first = window->from_us / window->bucket_us;
    EffectGrid grid = {
        .first = effect_floor_divide(first, width), .bucket_us = window->bucket_us * width, .join = join};
    int64_t begins =
        first - grid.first * width; /* of the window, in original buckets from the grid's begin */
    grid.count = (size_t)((begins + (int64_t)window->bucket_count) / width);
    grid.before_end = (size_t)((begins + (int64_t)window->before_end) / width);
    grid.after_first = (size_t)((begins + (int64_t)window->after_first + width - 1) / width);
    return grid;
}

static double
bucket_amount(const EffectBucket *bucket, EffectMeasure measure)
{
    return measure == EFFECT_OF_TIME   ? bucket->time_ms
           : measure == EFFECT_OF_ROWS ? bucket->rows
                                       : bucket->blocks;
}

/* Calls (NAN: not observed) and the measured amount of a joined bucket. */
static double
joined_calls(const EffectWindow *window, const EffectGrid *grid, const EffectSeries *series, size_t i,
             EffectMeasure measure, double *ret_amount)
{
    int64_t width = INT64_C(1) << grid->join;
    int64_t from = (grid->first + (int64_t)i) * width - window->from_us / window->bucket_us;
    double calls = NAN;
    double amount = 0;
    for (int64_t j = from < 0 ? 0 : from; j < from + width && j < (int64_t)window->bucket_count; j++) {
        const EffectBucket *bucket = &series->buckets[j];
        if (isnan(bucket->calls))
            continue;
        calls = (isnan(calls) ? 0 : calls) + bucket->calls;
        amount += bucket->calls > 0 ? bucket_amount(bucket, measure) : 0;
    }
    *ret_amount = amount;
    return calls;
}

EffectGrid
effect_grid_of(Arena *arena, const EffectWindow *window, const EffectSeries *series)
{
    EffectGrid grid = effect_grid_make(window, 0);
    for (size_t join = 0; join < EFFECT_JOINS; join++) {
        grid = effect_grid_make(window, join);
        ArenaMark mark = arena_mark(arena);
        double *calls = ARENA_NEW_ARRAY(arena, double, grid.before_end);
        size_t count = 0;
        double amount;
        bool has_begun = false;
        for (size_t i = 0; i < grid.before_end; i++) {
            double value = joined_calls(window, &grid, series, i, EFFECT_OF_TIME, &amount);
            has_begun |= value > 0;
            if (!isnan(value) && has_begun)
                calls[count++] = value;
        }
        bool is_enough = count > 0 && statistics_median(calls, count) >= CALLS_IN_BUCKET;
        arena_rewind(arena, mark);
        if (is_enough)
            break;
    }
    return grid;
}

EffectPoints
effect_points_make(Arena *arena, const EffectWindow *window, const EffectGrid *grid,
                   const EffectSeries *series, EffectMeasure measure)
{
    EffectPoints points = {.values = ARENA_NEW_ARRAY(arena, double, grid->count),
                           .weights = ARENA_NEW_ARRAY(arena, double, grid->count),
                           .calls = ARENA_NEW_ARRAY(arena, double, grid->count)};
    for (size_t i = 0; i < grid->count; i++) {
        double amount;
        double calls = joined_calls(window, grid, series, i, measure, &amount);
        if (!(calls > 0) || !(amount > 0) || isinf(amount))
            continue;
        points.values[i] = log(amount / calls);
        points.weights[i] = fmin(calls, CALLS_OF_FULL_WEIGHT) / CALLS_OF_FULL_WEIGHT;
        points.calls[i] = calls;
    }
    return points;
}

/* The middle of the values around i, within from .. to - 1. */
static double
local_median(const double *values, const double *weights, size_t i, size_t from, size_t to)
{
    double near[2 * NEIGHBOURS + 1]; /* in order */
    size_t count = 0;
    size_t first = i >= from + NEIGHBOURS ? i - NEIGHBOURS : from;
    for (size_t j = first; j < to && j <= i + NEIGHBOURS; j++) {
        if (weights[j] <= 0)
            continue;
        size_t place = count++;
        for (; place > 0 && near[place - 1] > values[j]; place--)
            near[place] = near[place - 1];
        near[place] = values[j];
    }
    fettle_assert(count > 0); /* i itself */
    return (near[(count - 1) / 2] + near[count / 2]) / 2;
}

double
effect_points_scale(Arena *arena, const EffectPoints *points, size_t from, size_t to)
{
    ArenaMark mark = arena_mark(arena);
    double *differences = ARENA_NEW_ARRAY(arena, double, to > from ? to - from : 0);
    size_t count = 0;
    for (size_t i = from; i < to; i++)
        if (points->weights[i] > 0)
            differences[count++] =
                points->values[i] - local_median(points->values, points->weights, i, from, to);
    /* A bucket is its own neighbour's middle in a fifth of all cases: 1.4826 would be too small. */
    double scale = count == 0 ? 0 : 1.8 * statistics_deviation_median(differences, count, 0);
    arena_rewind(arena, mark);
    return scale;
}

void
effect_points_calm(const EffectPoints *points, size_t from, size_t to, double scale, double *ret_values)
{
    double bound = SPIKE_DEVIATIONS * scale;
    for (size_t i = from; i < to; i++) {
        if (points->weights[i] <= 0)
            continue;
        double middle = local_median(points->values, points->weights, i, from, to);
        ret_values[i] = fmin(fmax(points->values[i], middle - bound), middle + bound);
    }
}

int64_t
effect_hour_of(const EffectGrid *grid, size_t i)
{
    return effect_floor_divide((grid->first + (int64_t)i) * grid->bucket_us, EFFECT_HOUR_US);
}

size_t
effect_hour_width(const EffectGrid *grid)
{
    return grid->bucket_us < EFFECT_HOUR_US ? (size_t)(EFFECT_HOUR_US / grid->bucket_us) : 1;
}

size_t
effect_cell_of(const EffectGrid *grid, size_t i)
{
    int64_t hour = effect_hour_of(grid, i);
    return (size_t)(hour - effect_floor_divide(hour, EFFECT_CELLS) * EFFECT_CELLS);
}

double
effect_week_of(const EffectGrid *grid, size_t i)
{
    return (double)i * (double)grid->bucket_us / (double)EFFECT_WEEK_US;
}
