// SPDX-License-Identifier: PostgreSQL
#include "store/observation.h"
#include "workload/outlook.h"

#include <math.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_US (24 * HOUR_US)

/* What of a day counts. */
typedef enum DayValue { DAY_LAST, DAY_GREATEST } DayValue;

/* The values of the last CAPACITY_DAYS_MOST days, which end now; NaN where nothing was observed. */
static bool
days_read(PgConnection *session, Arena *arena, const OutlookRequest *request, MetricId id, DayValue which,
          double **ret_days, Error *error)
{
    MetricPoint *points;
    size_t count;
    int64_t days = (int64_t)CAPACITY_DAYS_MOST;
    MetricRange range = {.target_id = request->target_id,
                         .from_us = request->now_us / HOUR_US * HOUR_US - (days - 1) * DAY_US,
                         .to_us = request->now_us,
                         .step_ms = HOUR_MS};
    *ret_days = ARENA_NEW_ARRAY(arena, double, CAPACITY_DAYS_MOST);
    for (size_t day = 0; day < CAPACITY_DAYS_MOST; day++)
        (*ret_days)[day] = NAN;
    if (!metric_series_read(session, arena, &range, id, &points, &count, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        int64_t back = (request->now_us - points[i].from_us) / DAY_US;
        double value = which == DAY_LAST ? points[i].mean : points[i].greatest;
        if (isnan(value) || back < 0 || back >= days)
            continue;
        double *day = &(*ret_days)[days - 1 - back];
        *day = which == DAY_GREATEST && *day > value ? *day : value;
    }
    return true;
}

static double
newest(const double *days)
{
    for (size_t day = CAPACITY_DAYS_MOST; day-- > 0;)
        if (!isnan(days[day]))
            return days[day];
    return NAN;
}

static void
add(Arena *arena, const OutlookCapacity *what, const double *days, OutlookCapacity *ret_capacities,
    size_t *count)
{
    OutlookCapacity *capacity = &ret_capacities[*count];
    *capacity = *what;
    capacity->capacity = capacity_find(arena, days, CAPACITY_DAYS_MOST, what->capacity.limit);
    *count += capacity->capacity.known_days > 0;
}

bool
outlook_capacities_read(PgConnection *session, Arena *arena, const OutlookRequest *request,
                        double limit_bytes, OutlookCapacity *ret_capacities, size_t *ret_count, Error *error)
{
    double *free_bytes;
    double *used_bytes;
    double *connections;
    double *connections_most;
    if (!days_read(session, arena, request, METRIC_DISK_FREE, DAY_LAST, &free_bytes, error) ||
        !days_read(session, arena, request, METRIC_DATABASE_BYTES, DAY_LAST, &used_bytes, error) ||
        !days_read(session, arena, request, METRIC_CONNECTIONS, DAY_GREATEST, &connections, error) ||
        !days_read(session, arena, request, METRIC_CONNECTIONS_MOST, DAY_LAST, &connections_most, error))
        return false;
    for (size_t day = 0; day < CAPACITY_DAYS_MOST; day++)
        free_bytes[day] = -free_bytes[day]; /* what shrinks to 0 grows to it */
    *ret_count = 0;
    OutlookCapacity disk = {.name = "disk", .unit = "bytes", .capacity.limit = 0};
    OutlookCapacity databases = {.name = "databases", .unit = "bytes", .capacity.limit = limit_bytes};
    OutlookCapacity sessions = {
        .name = "connections", .unit = "1", .capacity.limit = newest(connections_most)};
    add(arena, &disk, free_bytes, ret_capacities, ret_count);
    add(arena, &databases, used_bytes, ret_capacities, ret_count);
    add(arena, &sessions, connections, ret_capacities, ret_count);
    return true;
}
