// SPDX-License-Identifier: PostgreSQL
#include "workload/series.h"

#include <inttypes.h>
#include <math.h>

#define HOUR_SECONDS 3600.0

static double *
unknown_values(Arena *arena, size_t count)
{
    double *values = ARENA_NEW_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++)
        values[i] = NAN;
    return values;
}

HourlySeries
series_new(Arena *arena, int64_t from_hour, size_t count)
{
    fettle_assert(count <= SERIES_HOURS_MOST);
    return (HourlySeries){.from_hour = from_hour,
                          .count = count,
                          .calls = unknown_values(arena, count),
                          .time_ms = unknown_values(arena, count),
                          .observed_seconds = ARENA_NEW_ARRAY(arena, double, count),
                          .blocks_hit = ARENA_NEW_ARRAY(arena, double, count),
                          .blocks_read = ARENA_NEW_ARRAY(arena, double, count),
                          .temp_blocks = ARENA_NEW_ARRAY(arena, double, count)};
}

bool
series_check(const HourlySeries *series, Error *error)
{
    for (size_t i = 0; i < series->count; i++) {
        bool is_gap = isnan(series->calls[i]) && isnan(series->time_ms[i]);
        bool is_good = isfinite(series->calls[i]) && isfinite(series->time_ms[i]) && series->calls[i] >= 0 &&
                       series->time_ms[i] >= 0;
        if (!is_gap && !is_good)
            return error_set(
                error, ERROR_DAMAGED,
                "hour %" PRId64 " of database \"%s\" has %g calls of %g ms, which no samples give",
                series->from_hour + (int64_t)i, series->database_name == NULL ? "" : series->database_name,
                series->calls[i], series->time_ms[i]);
    }
    return true;
}

HourlySeries
series_clean(Arena *arena, const HourlySeries *series, int64_t now_hour)
{
    size_t count = series->count;
    if (series->from_hour + (int64_t)count > now_hour)
        count = now_hour > series->from_hour ? (size_t)(now_hour - series->from_hour) : 0;
    HourlySeries clean = series_new(arena, series->from_hour, count);
    clean.target_id = series->target_id;
    clean.database_name = series->database_name;
    for (size_t i = 0; i < count; i++) {
        double observed = series->observed_seconds[i];
        if (isnan(series->calls[i]) || observed < HOUR_SECONDS / 2)
            continue;
        double scale = observed < HOUR_SECONDS ? HOUR_SECONDS / observed : 1;
        clean.calls[i] = series->calls[i] * scale;
        clean.time_ms[i] = series->time_ms[i];
        clean.observed_seconds[i] = observed;
        clean.blocks_hit[i] = series->blocks_hit[i] * scale;
        clean.blocks_read[i] = series->blocks_read[i] * scale;
        clean.temp_blocks[i] = series->temp_blocks[i] * scale;
    }
    return clean;
}

HourlySeries
series_sum(Arena *arena, const HourlySeries *series, size_t count)
{
    if (count == 0)
        return series_new(arena, 0, 0);
    HourlySeries sum = series_new(arena, series[0].from_hour, series[0].count);
    sum.target_id = series[0].target_id;
    sum.database_name = count == 1 ? series[0].database_name : NULL;
    for (size_t i = 0; i < sum.count; i++) {
        double time_ms = 0;
        for (size_t s = 0; s < count; s++) {
            fettle_assert(series[s].count == sum.count && series[s].from_hour == sum.from_hour);
            if (isnan(series[s].calls[i]))
                continue;
            sum.calls[i] = isnan(sum.calls[i]) ? series[s].calls[i] : sum.calls[i] + series[s].calls[i];
            time_ms += series[s].calls[i] * series[s].time_ms[i];
            sum.observed_seconds[i] = fmax(sum.observed_seconds[i], series[s].observed_seconds[i]);
            sum.blocks_hit[i] += series[s].blocks_hit[i];
            sum.blocks_read[i] += series[s].blocks_read[i];
            sum.temp_blocks[i] += series[s].temp_blocks[i];
        }
        if (!isnan(sum.calls[i]))
            sum.time_ms[i] = sum.calls[i] > 0 ? time_ms / sum.calls[i] : 0;
    }
    return sum;
}

/* Days from 1970-01-01 to the civil calendar, after Howard Hinnant's "chrono-compatible low-level date
 * algorithms": eras of 400 years, years that begin in March. */
static int
day_of_month_of(int64_t day)
{
    int64_t shifted = day + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    return (int)(day_of_year - (153 * month + 2) / 5 + 1);
}

SeriesDate
series_date(int64_t hour)
{
    int64_t day = hour >= 0 ? hour / SERIES_DAY_HOURS : -((-hour + SERIES_DAY_HOURS - 1) / SERIES_DAY_HOURS);
    int64_t weekday = (day + 4) % SERIES_WEEK_DAYS; /* 1970-01-01 was a Thursday */
    return (SeriesDate){.day = day,
                        .hour = (int)(hour - day * SERIES_DAY_HOURS),
                        .weekday = (int)(weekday < 0 ? weekday + SERIES_WEEK_DAYS : weekday),
                        .day_of_month = day_of_month_of(day)};
}
