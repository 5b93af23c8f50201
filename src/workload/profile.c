// SPDX-License-Identifier: PostgreSQL
#include "workload/profile.h"

#include <math.h>

#define DAY_HOURS_LEAST 12

typedef struct Average {
    double sum;
    double weight;
} Average;

static void
average_add(Average *average, double value, double weight)
{
    average->sum += value * weight;
    average->weight += weight;
}

static double
average_value(const Average *average)
{
    return average->weight > 0 ? average->sum / average->weight : NAN;
}

typedef struct Averages {
    Average hourly[SERIES_DAY_HOURS];
    Average hourly_ms[SERIES_DAY_HOURS];
    Average weekly[SERIES_WEEK_DAYS][SERIES_DAY_HOURS];
    Average daily[SERIES_WEEK_DAYS];
    Average monthly[SERIES_MONTH_DAYS];
    Average day; /* the hours of the day that is being read */
    Average ms;
} Averages;

static void
day_end(Averages *averages, const SeriesDate *date)
{
    if (averages->day.weight >= DAY_HOURS_LEAST) {
        double calls = average_value(&averages->day) * SERIES_DAY_HOURS;
        average_add(&averages->daily[date->weekday], calls, 1);
        average_add(&averages->monthly[date->day_of_month - 1], calls, 1);
    }
    averages->day = (Average){0};
}

static void
hour_add(Averages *averages, const HourlySeries *series, size_t i, const SeriesDate *date)
{
    if (isnan(series->calls[i]))
        return;
    average_add(&averages->hourly[date->hour], series->calls[i], 1);
    average_add(&averages->weekly[date->weekday][date->hour], series->calls[i], 1);
    average_add(&averages->day, series->calls[i], 1);
    average_add(&averages->hourly_ms[date->hour], series->time_ms[i], series->calls[i]);
    average_add(&averages->ms, series->time_ms[i], series->calls[i]);
}

Profile
profile_of(const HourlySeries *series)
{
    Averages averages = {0};
    Profile profile = {0};
    for (size_t i = 0; i < series->count; i++) {
        SeriesDate date = series_date(series->from_hour + (int64_t)i);
        hour_add(&averages, series, i, &date);
        if (date.hour == SERIES_DAY_HOURS - 1 || i + 1 == series->count)
            day_end(&averages, &date);
    }
    for (size_t h = 0; h < SERIES_DAY_HOURS; h++) {
        profile.hourly[h] = average_value(&averages.hourly[h]);
        profile.hourly_ms[h] = average_value(&averages.hourly_ms[h]);
        profile.observed_hours += averages.hourly[h].weight;
        for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
            profile.weekly[day][h] = average_value(&averages.weekly[day][h]);
    }
    for (size_t day = 0; day < SERIES_WEEK_DAYS; day++)
        profile.daily[day] = average_value(&averages.daily[day]);
    for (size_t day = 0; day < SERIES_MONTH_DAYS; day++)
        profile.monthly[day] = average_value(&averages.monthly[day]);
    profile.calls_all = averages.ms.weight;
    profile.mean_ms = average_value(&averages.ms);
    return profile;
}
