// SPDX-License-Identifier: PostgreSQL
#include "workload/shift.h"

#include "math/statistics.h"

#include <math.h>

#define DAY_HOURS_LEAST 12
#define SEGMENT_DAYS 3
#define WEEKS_HOURS (28 * SERIES_DAY_HOURS) /* with two, a cell's median is half of either level */
#define WEEK_HOURS (SERIES_WEEK_DAYS * SERIES_DAY_HOURS)
#define CHANGE_MEDIUM 0.3
#define CHANGE_HIGH 0.5
#define ERRORS_LEAST 4.0

typedef struct Days {
    int64_t *numbers;
    double *levels;
    size_t count;
} Days;

static size_t
cell_of(const HourlySeries *series, size_t place)
{
    SeriesDate date = series_date(series->from_hour + (int64_t)place);
    size_t hour = (size_t)date.hour;
    return series->count >= WEEKS_HOURS ? (size_t)date.weekday * SERIES_DAY_HOURS + hour : hour;
}

/* Takes from each value its cell's median. */
static void
season_take(Arena *arena, const HourlySeries *series, double *values)
{
    double *scratch = ARENA_NEW_ARRAY(arena, double, series->count);
    double medians[WEEK_HOURS] = {0};
    for (size_t cell = 0; cell < WEEK_HOURS; cell++) {
        size_t count = 0;
        for (size_t i = 0; i < series->count; i++)
            if (!isnan(values[i]) && cell_of(series, i) == cell)
                scratch[count++] = values[i];
        medians[cell] = count == 0 ? 0 : statistics_median(scratch, count);
    }
    for (size_t i = 0; i < series->count; i++)
        values[i] -= medians[cell_of(series, i)];
}

static Days
days_of(Arena *arena, const HourlySeries *series, const double *values)
{
    Days days = {.numbers = ARENA_NEW_ARRAY(arena, int64_t, series->count / SERIES_DAY_HOURS + 2),
                 .levels = ARENA_NEW_ARRAY(arena, double, series->count / SERIES_DAY_HOURS + 2)};
    double hours[SERIES_DAY_HOURS];
    size_t count = 0;
    for (size_t i = 0; i < series->count; i++) {
        SeriesDate date = series_date(series->from_hour + (int64_t)i);
        if (!isnan(values[i]))
            hours[count++] = values[i];
        if (date.hour < SERIES_DAY_HOURS - 1 && i + 1 < series->count)
            continue;
        if (count >= DAY_HOURS_LEAST) {
            days.numbers[days.count] = date.day;
            days.levels[days.count++] = statistics_median(hours, count);
        }
        count = 0;
    }
    return days;
}

/* The first day behind the greatest excursion of the cumulative sum. */
static size_t
cut_of(const Days *days)
{
    double mean = statistics_mean(days->levels, days->count);
    double sum = 0;
    double greatest = -1;
    size_t cut = 0;
    for (size_t i = 0; i + SEGMENT_DAYS < days->count; i++) {
        sum += days->levels[i] - mean;
        if (i + 1 < SEGMENT_DAYS || fabs(sum) <= greatest)
            continue;
        greatest = fabs(sum);
        cut = i + 1;
    }
    return cut;
}

static bool
shift_find(Arena *arena, const HourlySeries *series, const double *values, const char *metric,
           WorkloadShift *ret_shift)
{
    double *logs = ARENA_NEW_ARRAY(arena, double, series->count);
    for (size_t i = 0; i < series->count; i++)
        logs[i] = isnan(values[i]) ? NAN : log1p(values[i]);
    season_take(arena, series, logs);
    Days days = days_of(arena, series, logs);
    if (days.count < SHIFT_DAYS_LEAST)
        return false;
    size_t cut = cut_of(&days);
    size_t after = days.count - cut;
    double before_mean = statistics_mean(days.levels, cut);
    double after_mean = statistics_mean(days.levels + cut, after);
    double scatter = statistics_deviation_sample(days.levels, cut);
    double scatter_after = statistics_deviation_sample(days.levels + cut, after);
    double variance =
        (scatter * scatter * (double)(cut - 1) + scatter_after * scatter_after * (double)(after - 1)) /
        (double)(days.count - 2);
    double error = sqrt(variance * (1 / (double)cut + 1 / (double)after));
    double change = expm1(after_mean - before_mean);
    if (fabs(change) < CHANGE_MEDIUM || fabs(after_mean - before_mean) < ERRORS_LEAST * error)
        return false;
    *ret_shift = (WorkloadShift){.metric = metric,
                                 .day = days.numbers[cut],
                                 .change = change,
                                 .severity = fabs(change) >= CHANGE_HIGH ? "high" : "medium"};
    return true;
}

size_t
shifts_find(Arena *arena, const HourlySeries *series, WorkloadShift ret_shifts[2])
{
    size_t count = 0;
    if (shift_find(arena, series, series->calls, "queries", &ret_shifts[count]))
        count++;
    double *times = ARENA_NEW_ARRAY(arena, double, series->count);
    for (size_t i = 0; i < series->count; i++)
        times[i] = series->calls[i] > 0 ? series->time_ms[i] : NAN; /* without calls there is no time */
    if (shift_find(arena, series, times, "avg_ms", &ret_shifts[count]))
        count++;
    return count;
}
