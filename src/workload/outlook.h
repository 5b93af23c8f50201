// SPDX-License-Identifier: PostgreSQL
/*
 * Outlook: from what the store holds of a target to its forecast, and to the dates at which it is full.
 *
 * A metric is one of the statements' (of a database, or the sum of the target's):
 *
 *     queries       calls an hour                 avg_ms   mean execution time, weighted by calls
 *     exec_ms       execution time an hour        read_blocks, temp_blocks   shared blocks read, temporary
 * ones
 *
 * or one of the catalogue in store/observation.h, of the whole target: the mean of its rounds in the hour.
 * The last OUTLOOK_DAYS days are read; the hour that is not over is left out. Hours are numbers since 1970 in
 * UTC.
 *
 *     OutlookRequest request = {.target_id = id, .metric = "queries", .hours = 48, .now_us =
 * clock_wall_us()}; Outlook outlook; outlook_read(session, arena, &request, &outlook, error)
 */
#ifndef FETTLE_WORKLOAD_OUTLOOK_H
#define FETTLE_WORKLOAD_OUTLOOK_H

#include "pg/connection.h"
#include "workload/capacity.h"
#include "workload/forecast.h"
#include "workload/series.h"

#define OUTLOOK_DAYS 90
#define OUTLOOK_HOURS_STANDARD 48
#define OUTLOOK_CAPACITIES_MOST 3

typedef struct OutlookRequest {
    int64_t target_id;
    const char *database_name; /* NULL: all; only for metrics of statements */
    const char *metric;
    size_t hours;
    int64_t now_us;
} OutlookRequest;

typedef struct Outlook {
    const char *metric;
    const char *unit;
    int64_t from_hour; /* of values[0]; the forecast begins at from_hour + count */
    size_t count;      /* 0: nothing was observed */
    double *values;
    Forecast forecast;
} Outlook;

/* Whether a metric is known; of statements or not. */
bool outlook_metric_is_known(const char *metric);
bool outlook_metric_is_of_statements(const char *metric);
/* All names, between commas. */
char *outlook_metric_names(Arena *arena);

/* The hours of a target's statements, cleaned (series_clean()); count 0 when there are none. Not in a
 * transaction. */
bool outlook_series_read(PgConnection *session, Arena *arena, const OutlookRequest *request,
                         HourlySeries *ret_series, Error *error) FETTLE_MUST_USE;
/* The forecast of such a series' metric; of statements only. */
Outlook outlook_of_series(Arena *arena, const OutlookRequest *request, const HourlySeries *series);

/* ERROR_USAGE: no such metric, or one of the whole target for a database. Not in a transaction. */
bool outlook_read(PgConnection *session, Arena *arena, const OutlookRequest *request, Outlook *ret_outlook,
                  Error *error) FETTLE_MUST_USE;

/* What may become full: "disk" (free bytes of a local target, as bytes still to be used below 0), "databases"
 * (the bytes of all of them, to a limit that somebody gives) and "connections" (the most of a day, to
 * max_connections). Those of which nothing was observed are left out. */
typedef struct OutlookCapacity {
    const char *name;
    const char *unit;
    Capacity capacity; /* limit NaN: none is known; then only the growth is */
} OutlookCapacity;

/* limit_bytes of the databases; NAN: none. */
bool outlook_capacities_read(PgConnection *session, Arena *arena, const OutlookRequest *request,
                             double limit_bytes, OutlookCapacity *ret_capacities, size_t *ret_count,
                             Error *error) FETTLE_MUST_USE;

#endif
