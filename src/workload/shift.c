// SPDX-License-Identifier: PostgreSQL
#include "workload/shift.h"

#include "workload/trend.h"

#include <math.h>

#define DAY_HOURS SERIES_DAY_HOURS
#define WEEK_HOURS (SERIES_WEEK_DAYS * SERIES_DAY_HOURS)

static bool
shift_find(Arena *arena, const HourlySeries *series, const double *values, const char *metric,
           WorkloadShift *ret_shift)
{
    /* of two weeks, the weekdays' own levels would be half of a step between them */
    size_t seasons[] = {DAY_HOURS, series->count >= (size_t)4 * WEEK_HOURS ? WEEK_HOURS : 0};
    Shift shift;
    if (!trend_shift(arena, values, series->count, seasons, &shift))
        return false;
    *ret_shift = (WorkloadShift){.metric = metric,
                                 .day = series_date(series->from_hour + (int64_t)shift.at).day,
                                 .change = shift.change_percent / 100,
                                 .severity = shift.is_high ? "high" : "medium"};
    return true;
}

size_t
shifts_find(Arena *arena, const HourlySeries *series, WorkloadShift ret_shifts[2])
{
    size_t count = 0;
    if (shift_find(arena, series, series->calls, "queries", &ret_shifts[count]))
        count++;
    double *times = ARENA_NEW_ARRAY(arena, double, series->count + 1);
    for (size_t i = 0; i < series->count; i++)
        times[i] = series->calls[i] > 0 ? series->time_ms[i] : NAN; /* without calls there is no time */
    if (shift_find(arena, series, times, "avg_ms", &ret_shifts[count]))
        count++;
    return count;
}
