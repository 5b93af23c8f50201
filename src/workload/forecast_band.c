// SPDX-License-Identifier: PostgreSQL
/*
 * The bands of a forecast: conformal (Vovk, Gammerman and Shafer 2005), from the errors that the same rule
 * made from earlier origins.
 *
 * An error is put in units of what is usual: of a power of the prediction (a busy hour errs more; the power
 * is the one under which the errors are most alike, by Laplace's likelihood) times the mean of the hours so
 * far ahead. What is left is pooled over all hours, and its quantiles, below and above apart, are those of
 * the next hours. The errors of one origin are the more alike the more of
 * them lasts, so few origins know the tails badly: the bands are widened by a share that falls with their
 * number and grows with what is common to an origin's hours. And they follow how much is erred lately, as
 * adaptive conformal inference does (Gibbs and Candes 2021), by the root of its share of what was erred in
 * all: after a shift of the level the errors of quieter weeks hold no more. The constants were found on
 * generated series (even seeds).
 */
#include "math/statistics.h"
#include "workload/forecast_internal.h"

#include <math.h>
#include <stdlib.h>

#define BLOCK_HOURS ((size_t)6)
#define BLOCKS_MOST ((FORECAST_HOURS_MOST + BLOCK_HOURS - 1) / BLOCK_HOURS)
#define DAY_BLOCKS (FORECAST_DAY / BLOCK_HOURS)
#define LEVEL_SHARE 0.02
#define WIDEN 1.5
#define WIDEN_COMMON 5.0
#define RECENT_FADING 0.6 /* of an origin's weight, a day */
#define RECENT_POWER 0.5
#define RECENT_LEAST 0.8
#define RECENT_MOST 3.0

static const double shares[FORECAST_BANDS] = {0.80, 0.90, 0.95};
static const double powers[] = {0, 0.25, 0.5, 0.75, 1};

/* One error of the past. */
typedef struct Miss {
    double error; /* what came less what was predicted */
    double predicted;
    size_t block;
    size_t origin;
} Miss;

typedef struct Misses {
    Miss *items;
    size_t count;
} Misses;

static Misses
misses_of(Arena *arena, const ForecastPast *past, size_t hours)
{
    Misses misses = {.items = ARENA_NEW_ARRAY(arena, Miss, past->origin_count * hours)};
    for (size_t o = 0; o < past->origin_count; o++)
        for (size_t h = 0; h < hours && past->origins[o] + h < past->count; h++) {
            double predicted = past->predicted[o * hours + h];
            double value = past->values[past->origins[o] + h];
            if (!isnan(value) && !isnan(predicted))
                misses.items[misses.count++] = (Miss){.error = value - predicted,
                                                      .predicted = predicted,
                                                      .block = h / BLOCK_HOURS,
                                                      .origin = o};
        }
    return misses;
}

static double
unit_of(double predicted, double level, double power)
{
    return pow(predicted + level, power);
}

/* The power of the prediction under which the errors are most alike. */
static double
best_power(const Misses *misses, double level)
{
    double best = 0;
    double least = INFINITY;
    for (size_t p = 0; p < FETTLE_COUNT_OF(powers); p++) {
        double logs = 0;
        double sum = 0;
        for (size_t i = 0; i < misses->count; i++) {
            double unit = unit_of(misses->items[i].predicted, level, powers[p]);
            logs += log(unit);
            sum += fabs(misses->items[i].error) / unit;
        }
        double cost = logs / (double)misses->count + log(sum / (double)misses->count);
        if (cost < least) {
            least = cost;
            best = powers[p];
        }
    }
    return best;
}

/* The mean error of each block in units; a block of few is drawn to the mean of all. One that no origin has
 * seen errs like that of the day before, by the root of the time more. */
static void
block_scales(const Misses *misses, double level, double power, double *ret_scales)
{
    double sums[BLOCKS_MOST] = {0};
    double counts[BLOCKS_MOST] = {0};
    double sum = 0;
    for (size_t i = 0; i < misses->count; i++) {
        double units = fabs(misses->items[i].error) / unit_of(misses->items[i].predicted, level, power);
        sums[misses->items[i].block] += units;
        counts[misses->items[i].block] += 1;
        sum += units;
    }
    double mean = sum / (double)misses->count;
    for (size_t block = 0; block < BLOCKS_MOST; block++) {
        ret_scales[block] = (sums[block] + 24 * mean) / (counts[block] + 24);
        if (counts[block] == 0 && block >= DAY_BLOCKS) {
            size_t days = block / DAY_BLOCKS;
            double day = (double)days;
            ret_scales[block] = ret_scales[block - DAY_BLOCKS] * sqrt((day + 1) / day);
        }
    }
}

static int
compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

/* How much of the errors' squares is common to all hours of an origin: 1 for a sum of steps, of which each
 * error lasts; near 0 for independent hours. */
static double
common_share(const Misses *misses, const double *units)
{
    double common = 0;
    double squares = 0;
    for (size_t from = 0; from < misses->count;) {
        size_t to = from;
        double sum = 0;
        for (; to < misses->count && misses->items[to].origin == misses->items[from].origin; to++) {
            sum += units[to];
            squares += units[to] * units[to];
        }
        common += sum * sum / (double)(to - from);
        from = to;
    }
    return squares > 0 ? common / squares : 0;
}

/* How much more the newest origins erred than all: by its root the bands are wider after a shift or a step
 * that no model knows yet, and narrower when the errors of before were those of another time. */
static double
recent_share(const Misses *misses, const double *units, size_t origins)
{
    double recent = 0;
    double weights = 0;
    double all = 0;
    for (size_t i = 0; i < misses->count; i++) {
        double weight = pow(RECENT_FADING, (double)(origins - 1 - misses->items[i].origin));
        recent += weight * fabs(units[i]);
        weights += weight;
        all += fabs(units[i]);
    }
    double ratio = all > 0 ? recent / weights / (all / (double)misses->count) : 1;
    return pow(fmax(RECENT_LEAST, fmin(RECENT_MOST, ratio)), RECENT_POWER);
}

/* The share by which the bands are widened, for so few errors know the tails badly. */
static double
widening(const Misses *misses, const double *units, size_t origins, size_t hours)
{
    double common = common_share(misses, units);
    double overlap =
        fmax(1, (double)hours / (double)FORECAST_DAY); /* origins a day apart see the same hours */
    return WIDEN * pow((double)origins + 1, -1.5) +
           WIDEN_COMMON * common * common * overlap / (double)origins;
}

/* The conformal quantile of sorted values: of so many and the one that comes. */
static double
quantile_above(const double *sorted, size_t count, double share)
{
    size_t place = (size_t)ceil(((double)count + 1) * share);
    return sorted[place > count ? count - 1 : place - 1];
}

static double
quantile_below(const double *sorted, size_t count, double share)
{
    size_t place = (size_t)floor(((double)count + 1) * share);
    return sorted[place < 1 ? 0 : place - 1];
}

static void
fill(Forecast *forecast, double ceiling, size_t h, const double *below, const double *above)
{
    ForecastHour *hour = &forecast->hours[h];
    for (int band = 0; band < FORECAST_BANDS; band++) {
        hour->lower[band] = fmin(hour->predicted, fmax(0, hour->predicted + below[band]));
        hour->upper[band] = fmax(hour->predicted, fmin(ceiling, hour->predicted + above[band]));
    }
}

bool
forecast_bands(Arena *arena, const ForecastPast *past, double ceiling, Forecast *forecast)
{
    Misses misses = misses_of(arena, past, forecast->count);
    double scales[BLOCKS_MOST];
    double level = 0;
    if (misses.count < FORECAST_ERRORS_LEAST)
        return false;
    for (size_t i = 0; i < misses.count; i++)
        level += (fabs(misses.items[i].predicted) + fabs(misses.items[i].error)) / (double)misses.count;
    level = level > 0 ? level * LEVEL_SHARE : 1;
    double power = best_power(&misses, level);
    block_scales(&misses, level, power, scales);
    double *units = ARENA_NEW_ARRAY(arena, double, misses.count + 1);
    for (size_t i = 0; i < misses.count; i++) {
        double scale = scales[misses.items[i].block] * unit_of(misses.items[i].predicted, level, power);
        units[i] = scale > 0 ? misses.items[i].error / scale : 0;
    }
    double wider = (1 + widening(&misses, units, past->origin_count, forecast->count)) *
                   recent_share(&misses, units, past->origin_count);
    qsort(units, misses.count, sizeof(double), compare);
    for (size_t h = 0; h < forecast->count; h++) {
        double below[FORECAST_BANDS];
        double above[FORECAST_BANDS];
        double scale = scales[h / BLOCK_HOURS] * unit_of(forecast->hours[h].predicted, level, power) * wider;
        for (int band = 0; band < FORECAST_BANDS; band++) {
            double tail = (1 - shares[band]) / 2;
            below[band] = scale * quantile_below(units, misses.count, tail);
            above[band] = scale * quantile_above(units, misses.count, 1 - tail);
        }
        fill(forecast, ceiling, h, below, above);
    }
    return true;
}
