// SPDX-License-Identifier: PostgreSQL
#include "workload/trend.h"

#include "math/statistics.h"
#include "workload/decompose.h"

#include <math.h>

#define DAY ((size_t)24)
#define FORTNIGHT ((size_t)336)
#define DAY_KNOWN_LEAST 12
#define TEST_DAYS_LEAST 8
#define SIDE_DAYS_LEAST 3
#define STEP_CERTAINTY 4.0 /* times the standard error of the difference */

const char *
trend_word(TrendWord word)
{
    static const char *const words[] = {
        [TREND_STABLE] = "stable", [TREND_INCREASING] = "increasing", [TREND_DECREASING] = "decreasing"};
    return words[word];
}

static double
mean_known(const double *values, size_t count)
{
    double sum = 0;
    double known = 0;
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) {
            sum += values[i];
            known += 1;
        }
    return known > 0 ? sum / known : NAN;
}

/* Medians of the days that are known by half; returns how many, and where each begins. */
static size_t
daily_medians(Arena *arena, const double *values, size_t count, size_t first, double *ret_medians,
              size_t *ret_places)
{
    double *known = ARENA_NEW_ARRAY(arena, double, DAY);
    size_t days = 0;
    for (size_t from = first; from + DAY <= count; from += DAY) {
        size_t found = 0;
        for (size_t i = from; i < from + DAY; i++)
            if (!isnan(values[i]))
                known[found++] = values[i];
        if (found < DAY_KNOWN_LEAST)
            continue;
        ret_medians[days] = statistics_median(known, found);
        ret_places[days++] = from;
    }
    return days;
}

/* Two-sided, by the normal approximation with the correction for ties. */
static double
mann_kendall(const double *values, size_t count)
{
    double score = 0;
    double ties = 0;
    for (size_t i = 0; i < count; i++) {
        size_t equal = 0;
        for (size_t j = 0; j < count; j++) {
            equal += values[j] == values[i];
            if (j > i)
                score += (values[j] > values[i]) - (values[j] < values[i]);
        }
        /* each of a group of t ties adds its share of t (t - 1)(2 t + 5) */
        ties += ((double)equal - 1) * (2 * (double)equal + 5);
    }
    double n = (double)count;
    double variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
    if (variance <= 0)
        return 1;
    double z = fmax(0, fabs(score) - 1) / sqrt(variance);
    return erfc(z / sqrt(2));
}

Trend
trend_find(Arena *arena, const double *values, size_t count, int hour_of_first)
{
    Trend trend = {.change_percent = NAN, .chance = NAN};
    size_t whole = count >= FORTNIGHT ? count - count % FORTNIGHT : count - count % 2;
    const double *from = values + (count - whole);
    double before = mean_known(from, whole / 2);
    double after = mean_known(from + whole / 2, whole / 2);
    trend.hours = whole;
    if (before > 0 && !isnan(after)) {
        trend.change_percent = (after - before) / before * 100;
        trend.word = trend.change_percent > TREND_PERCENT_LEAST    ? TREND_INCREASING
                     : trend.change_percent < -TREND_PERCENT_LEAST ? TREND_DECREASING
                                                                   : TREND_STABLE;
    }
    double *medians = ARENA_NEW_ARRAY(arena, double, count / DAY + 1);
    size_t *places = ARENA_NEW_ARRAY(arena, size_t, count / DAY + 1);
    size_t first = (DAY - (size_t)hour_of_first) % DAY;
    size_t days = daily_medians(arena, values, count, first, medians, places);
    if (days >= TEST_DAYS_LEAST)
        trend.chance = mann_kendall(medians, days);
    return trend;
}

/* The sum of the squared distances from the mean. */
static double
scatter(const double *values, size_t count)
{
    double deviation = statistics_deviation_population(values, count);
    return deviation * deviation * (double)count;
}

/* The same from the line that fits best. */
static double
scatter_of_line(const double *values, size_t count)
{
    double mean = statistics_mean(values, count);
    double middle = ((double)count - 1) / 2;
    double product = 0;
    double squares = 0;
    for (size_t i = 0; i < count; i++) {
        product += ((double)i - middle) * (values[i] - mean);
        squares += ((double)i - middle) * ((double)i - middle);
    }
    return scatter(values, count) - (squares > 0 ? product * product / squares : 0);
}

/* Where the cumulated deviations from the mean are greatest, with enough days on both sides. */
static size_t
step_place(const double *values, size_t count)
{
    double mean = statistics_mean(values, count);
    double sum = 0;
    double most = -1;
    size_t best = 0;
    for (size_t i = 0; i + SIDE_DAYS_LEAST < count; i++) {
        sum += values[i] - mean;
        if (i + 1 >= SIDE_DAYS_LEAST && fabs(sum) > most) {
            most = fabs(sum);
            best = i + 1;
        }
    }
    return best;
}

bool
trend_shift(Arena *arena, const double *values, size_t count, const size_t *seasons, Shift *ret_shift)
{
    double *logs = ARENA_NEW_ARRAY(arena, double, count + 1);
    double *days = ARENA_NEW_ARRAY(arena, double, count / DAY + 1);
    size_t *places = ARENA_NEW_ARRAY(arena, size_t, count / DAY + 1);
    if (count < 2 * SIDE_DAYS_LEAST * DAY)
        return false;
    for (size_t i = 0; i < count; i++)
        logs[i] = log1p(values[i]);
    Decomposition parts = decompose(arena, logs, count, seasons);
    for (size_t i = 0; i < count; i++)
        logs[i] -= parts.season[0][i] + parts.season[1][i];
    size_t day_count = daily_medians(arena, logs, count, count % DAY, days, places);
    if (day_count < 2 * SIDE_DAYS_LEAST)
        return false;
    size_t at = step_place(days, day_count);
    double within = scatter(days, at) + scatter(days + at, day_count - at);
    double step = statistics_mean(days + at, day_count - at) - statistics_mean(days, at);
    double error = sqrt(within / (double)(day_count - 2) * (1 / (double)at + 1 / (double)(day_count - at)));
    double percent = expm1(step) * 100;
    if (fabs(percent) < SHIFT_PERCENT_MEDIUM || fabs(step) < STEP_CERTAINTY * error ||
        within >= scatter_of_line(days, day_count))
        return false;
    *ret_shift =
        (Shift){.at = places[at], .change_percent = percent, .is_high = fabs(percent) >= SHIFT_PERCENT_HIGH};
    return true;
}
