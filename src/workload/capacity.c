// SPDX-License-Identifier: PostgreSQL
#include "workload/capacity.h"

#include "base/random.h"
#include "math/statistics.h"

#include <math.h>

#define PATHS ((size_t)2000)
#define SEED UINT64_C(20)
#define HORIZON_DAYS_A_DAY 6
#define WARM_DAYS 30

/* The history as a line and errors. */
typedef struct Growth {
    size_t count; /* days from the first known to the last known one */
    double middle;
    double squares; /* of the days' distances from the middle, known days only */
    double mean;
    double slope;
    double phi;
    const double *values;
    double *errors; /* e, centred */
    size_t error_count;
    double *drawn; /* a history drawn anew */
} Growth;

const char *
capacity_verdict_word(CapacityVerdict verdict)
{
    static const char *const words[] = {[CAPACITY_CANNOT_TELL] = "cannot_tell",
                                        [CAPACITY_NOT_SOON] = "not_soon",
                                        [CAPACITY_DATED] = "dated",
                                        [CAPACITY_REACHED] = "reached",
                                        [CAPACITY_NO_LIMIT] = "no_limit"};
    return words[verdict];
}

/* The slope of values over the known days of the history. */
static double
slope_of(const Growth *growth, const double *values)
{
    double product = 0;
    for (size_t day = 0; day < growth->count; day++)
        if (!isnan(growth->values[day]))
            product += ((double)day - growth->middle) * values[day];
    return growth->squares > 0 ? product / growth->squares : 0;
}

static double
line_at(const Growth *growth, double slope, double day)
{
    return growth->mean + slope * (day - growth->middle);
}

static void
fit_line(Growth *growth)
{
    double known = 0;
    for (size_t day = 0; day < growth->count; day++)
        if (!isnan(growth->values[day])) {
            growth->middle += (double)day;
            growth->mean += growth->values[day];
            known += 1;
        }
    growth->middle /= known;
    growth->mean /= known;
    for (size_t day = 0; day < growth->count; day++)
        if (!isnan(growth->values[day]))
            growth->squares += ((double)day - growth->middle) * ((double)day - growth->middle);
    growth->slope = slope_of(growth, growth->values);
}

/* What deviates from the line, or NaN. */
static double
away_at(const Growth *growth, size_t day)
{
    return growth->values[day] - line_at(growth, growth->slope, (double)day);
}

/* phi from its estimate by least squares: 1 unless n (phi - 1) is below the 5 percent bound of Dickey and
 * Fuller's test about a line (Fuller 1976; -17.9 for 25 days, -20.8 for 100), for steps that stay, taken for
 * scatter, would give far too narrow ranges; else corrected for what the line takes of it, (2 + 4 phi) / n
 * (Kendall 1954). */
static double
phi_of(double raw, double pairs)
{
    if (pairs < 8 || pairs * (raw - 1) > -21.8 + 97 / pairs)
        return 1;
    return fmax(0, fmin(1, (raw + 2 / pairs) / (1 - 4 / pairs)));
}

static void
fit_errors(Growth *growth)
{
    double product = 0;
    double squares = 0;
    double pairs = 0;
    for (size_t day = 1; day < growth->count; day++) {
        double before = away_at(growth, day - 1);
        double away = away_at(growth, day);
        if (isnan(before) || isnan(away))
            continue;
        product += before * away;
        squares += before * before;
        pairs += 1;
    }
    growth->phi = phi_of(squares > 0 ? product / squares : 0, pairs);
    for (size_t day = 1; day < growth->count; day++) {
        double error = away_at(growth, day) - growth->phi * away_at(growth, day - 1);
        if (!isnan(error))
            growth->errors[growth->error_count++] = error;
    }
    if (growth->error_count == 0)
        growth->errors[growth->error_count++] = 0;
    double mean = statistics_mean(growth->errors, growth->error_count);
    /* what the line and phi took of the errors */
    double wider = pairs > 3 ? sqrt(pairs / (pairs - 3)) : 1;
    for (size_t i = 0; i < growth->error_count; i++)
        growth->errors[i] = (growth->errors[i] - mean) * wider;
}

static double
draw_error(const Growth *growth, Random *random)
{
    return growth->errors[random_below(random, growth->error_count)];
}

/* A growth as uncertain as the history leaves it. */
static double
draw_slope(const Growth *growth, Random *random)
{
    double away = 0;
    for (int day = 0; day < WARM_DAYS && growth->phi < 1; day++)
        away = growth->phi * away + draw_error(growth, random);
    for (size_t day = 0; day < growth->count; day++) {
        growth->drawn[day] = away;
        away = growth->phi * away + draw_error(growth, random);
    }
    double mean = 0;
    double known = 0;
    for (size_t day = 0; day < growth->count; day++)
        if (!isnan(growth->values[day])) {
            mean += growth->drawn[day];
            known += 1;
        }
    for (size_t day = 0; day < growth->count; day++)
        growth->drawn[day] -= mean / known;
    return growth->slope - slope_of(growth, growth->drawn);
}

/* The day at which a future reaches the limit; INFINITY: not within the horizon. */
static double
draw_day(const Growth *growth, double slope, const Capacity *capacity, Random *random)
{
    double last = (double)growth->count - 1;
    double away = capacity->now - line_at(growth, slope, last);
    for (size_t day = 1; day <= capacity->horizon_days; day++) {
        away = growth->phi * away + draw_error(growth, random);
        if (line_at(growth, slope, last + (double)day) + away >= capacity->limit)
            return (double)day;
    }
    return INFINITY;
}

static void
draw_futures(Arena *arena, const Growth *growth, Capacity *capacity)
{
    double *days = ARENA_NEW_ARRAY(arena, double, PATHS);
    double *slopes = ARENA_NEW_ARRAY(arena, double, PATHS);
    Random random = random_new(SEED);
    size_t reached = 0;
    for (size_t path = 0; path < PATHS; path++) {
        slopes[path] = draw_slope(growth, &random);
        days[path] = draw_day(growth, slopes[path], capacity, &random);
        reached += isfinite(days[path]);
    }
    capacity->growth_low = statistics_select(slopes, PATHS, PATHS / 40);
    capacity->growth_high = statistics_select(slopes, PATHS, PATHS - PATHS / 40);
    capacity->growth = growth->slope;
    capacity->verdict = CAPACITY_NO_LIMIT;
    if (isnan(capacity->limit))
        return;
    capacity->days = statistics_select(days, PATHS, PATHS / 2);
    capacity->days_low = statistics_select(days, PATHS, PATHS / 40);
    capacity->days_high = statistics_select(days, PATHS, PATHS - PATHS / 40);
    capacity->chance = (double)reached / (double)PATHS;
    capacity->verdict = isfinite(capacity->days) ? CAPACITY_DATED : CAPACITY_NOT_SOON;
}

Capacity
capacity_find(Arena *arena, const double *values, size_t count, double limit)
{
    Capacity capacity = {.limit = limit,
                         .now = NAN,
                         .days = NAN,
                         .days_low = NAN,
                         .days_high = NAN,
                         .growth = NAN,
                         .growth_low = NAN,
                         .growth_high = NAN,
                         .chance = NAN};
    size_t first = count > CAPACITY_DAYS_MOST ? count - CAPACITY_DAYS_MOST : 0;
    while (first < count && isnan(values[first]))
        first++;
    while (count > first && isnan(values[count - 1])) {
        count--;
        capacity.days_since++;
    }
    for (size_t day = first; day < count; day++)
        capacity.known_days += !isnan(values[day]);
    if (capacity.known_days > 0)
        capacity.now = values[count - 1];
    if (capacity.days_since > CAPACITY_GAP_MOST)
        return capacity;
    if (capacity.now >= limit) {
        capacity.verdict = CAPACITY_REACHED;
        capacity.days = capacity.days_low = capacity.days_high = 0;
        capacity.chance = 1;
        return capacity;
    }
    if (capacity.known_days < CAPACITY_DAYS_LEAST)
        return capacity;
    Growth growth = {.count = count - first,
                     .values = values + first,
                     .errors = ARENA_NEW_ARRAY(arena, double, count - first),
                     .drawn = ARENA_NEW_ARRAY(arena, double, count - first)};
    size_t horizon = HORIZON_DAYS_A_DAY * growth.count;
    capacity.horizon_days = horizon < CAPACITY_HORIZON_MOST ? horizon : CAPACITY_HORIZON_MOST;
    fit_line(&growth);
    fit_errors(&growth);
    draw_futures(arena, &growth, &capacity);
    if (capacity.verdict == CAPACITY_NO_LIMIT)
        return capacity;
    double since = (double)capacity.days_since;
    capacity.days = fmax(0, capacity.days - since);
    capacity.days_low = fmax(0, capacity.days_low - since);
    capacity.days_high = fmax(0, capacity.days_high - since);
    return capacity;
}
