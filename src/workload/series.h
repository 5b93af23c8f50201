// SPDX-License-Identifier: PostgreSQL
/*
 * HourlySeries: what the statements of one database did, hour by hour; what every engine of this floor reads.
 *
 * An hour is its number since 1970-01-01 00:00 UTC. All is in UTC: a job by local time moves by an hour where
 * the clock is changed. calls[i] is the sum of the calls of the hour from_hour + i and time_ms[i] their mean
 * execution time, weighted by calls (0 without calls: nothing took time).
 *
 * An hour that was not observed at all has NaN in both: a gap is no zero. For forecasts and periods, where
 * the observed time is known, series_clean() makes gaps of hours with less than half an hour of it, scales up
 * the calls of the others, and leaves out the hour that is not over. Values below zero and infinite ones must
 * not reach this layer; series_check() refuses them.
 *
 * The memory is the arena's of whoever made the series.
 */
#ifndef FETTLE_WORKLOAD_SERIES_H
#define FETTLE_WORKLOAD_SERIES_H

#include "base/arena.h"
#include "base/error.h"

#define SERIES_HOURS_MOST ((size_t)16384) /* 682 days */
#define SERIES_DAY_HOURS 24
#define SERIES_WEEK_DAYS 7
#define SERIES_MONTH_DAYS 31

typedef struct HourlySeries {
    int64_t target_id;
    const char *database_name;
    int64_t from_hour;
    size_t count;
    double *calls;
    double *time_ms;
    double *observed_seconds;
    double *blocks_hit;
    double *blocks_read;
    double *temp_blocks;
} HourlySeries;

/* All hours unobserved; count up to SERIES_HOURS_MOST. */
HourlySeries series_new(Arena *arena, int64_t from_hour, size_t count);

/* ERROR_DAMAGED names the first hour with a negative or infinite value, or with one of the pair unknown. */
bool series_check(const HourlySeries *series, Error *error) FETTLE_MUST_USE;

/* A copy for forecasts and periods, cut at now_hour (which is not over). */
HourlySeries series_clean(Arena *arena, const HourlySeries *series, int64_t now_hour);

/* The sum of several over the same hours (of a target's databases): an hour is known when one of them was
 * observed, a database without it did nothing; the mean time is weighted by calls. Of none: no hours. */
HourlySeries series_sum(Arena *arena, const HourlySeries *series, size_t count);

/* The calendar of an hour, UTC. */
typedef struct SeriesDate {
    int64_t day;      /* since 1970-01-01 */
    int hour;         /* 0 .. 23 */
    int weekday;      /* 0 Sunday */
    int day_of_month; /* 1 .. 31 */
} SeriesDate;

SeriesDate series_date(int64_t hour);

#endif
