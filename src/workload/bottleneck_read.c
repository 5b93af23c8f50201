// SPDX-License-Identifier: PostgreSQL
#include "workload/bottleneck.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define HOUR_MS (INT64_C(3600) * 1000)
#define RUNS_MOST 32 /* of busy hours, and of others, whose waits are read */

static bool
metric_read(PgConnection *session, Arena *arena, const HourlySeries *series, MetricId id, double **ret_means,
            double **ret_greatest, Error *error)
{
    MetricRange range = {.target_id = series->target_id,
                         .from_us = series->from_hour * HOUR_US,
                         .to_us = (series->from_hour + (int64_t)series->count) * HOUR_US,
                         .step_ms = HOUR_MS};
    MetricPoint *points;
    size_t count;
    if (!metric_series_read(session, arena, &range, id, &points, &count, error))
        return false;
    *ret_means = ARENA_NEW_ARRAY(arena, double, series->count);
    *ret_greatest = ARENA_NEW_ARRAY(arena, double, series->count);
    for (size_t i = 0; i < series->count; i++)
        (*ret_means)[i] = (*ret_greatest)[i] = NAN;
    for (size_t i = 0; i < count; i++) {
        int64_t hour = points[i].from_us / HOUR_US - series->from_hour;
        if (hour < 0 || hour >= (int64_t)series->count)
            continue;
        (*ret_means)[hour] = points[i].mean;
        (*ret_greatest)[hour] = points[i].greatest;
    }
    return true;
}

static void
waits_add(BottleneckWaits *waits, const ActivityMinute *sum)
{
    for (size_t i = 0; i < sum->row_count; i++) {
        const ActivityRow *row = &sum->rows[i];
        double seen = (double)row->seen;
        if (!text_equals(row->state, "active"))
            continue;
        const char *event = row->wait_event == NULL ? "" : row->wait_event;
        waits->active += seen;
        if (text_starts_with(event, "WAL"))
            waits->wal += seen;
        else if (text_starts_with(event, "BufFile"))
            waits->temporary += seen;
        else if (text_equals(row->wait_type, "IO"))
            waits->io += seen;
        else if (text_equals(row->wait_type, "Lock"))
            waits->lock += seen;
        else if (text_equals(row->wait_type, "CPU"))
            waits->cpu += seen;
    }
}

/* The waits of runs of neighbouring hours that are busy, or that are not; the latest ones. */
static bool
waits_read(PgConnection *session, Arena *arena, const HourlySeries *series, const bool *is_busy, bool wanted,
           BottleneckWaits *ret_waits, Error *error)
{
    size_t past = series->count;
    for (int run = 0; run < RUNS_MOST && past > 0; run++) {
        while (past > 0 && (is_busy[past - 1] != wanted || isnan(series->calls[past - 1])))
            past--;
        size_t first = past;
        while (first > 0 && is_busy[first - 1] == wanted && !isnan(series->calls[first - 1]))
            first--;
        if (first == past)
            break;
        ArenaMark mark = arena_mark(arena);
        ActivityMinute sum;
        if (!activity_read(session, arena, series->target_id, (series->from_hour + (int64_t)first) * HOUR_US,
                           (series->from_hour + (int64_t)past) * HOUR_US, &sum, error))
            return false;
        waits_add(ret_waits, &sum);
        arena_rewind(arena, mark);
        past = first;
    }
    return true;
}

bool
bottleneck_input_read(PgConnection *session, Arena *arena, const HourlySeries *series,
                      const WorkloadTemplates *templates, BottleneckInput *ret_input, Error *error)
{
    static const MetricId ids[] = {METRIC_CPU,
                                   METRIC_BLOCKS_READ,
                                   METRIC_CACHE_HIT_RATIO,
                                   METRIC_CONNECTIONS,
                                   METRIC_CONNECTIONS_ACTIVE,
                                   METRIC_CONNECTIONS_WAITING,
                                   METRIC_CONNECTIONS_MOST,
                                   METRIC_CONNECTIONS_IDLE_IN_TRANSACTION,
                                   METRIC_LOCKS_WAITED_FOR,
                                   METRIC_DEADLOCKS,
                                   METRIC_WAL_BYTES,
                                   METRIC_CHECKPOINTS_REQUESTED,
                                   METRIC_CHECKPOINTS_TIMED,
                                   METRIC_TEMP_BYTES,
                                   METRIC_MEMORY_AVAILABLE};
    BottleneckInput input = {.series = series, .templates = templates};
    bool *is_busy;
    for (size_t i = 0; i < FETTLE_COUNT_OF(ids); i++) {
        double *means;
        double *greatest;
        if (!metric_read(session, arena, series, ids[i], &means, &greatest, error))
            return false;
        input.metrics[ids[i]] = means;
        if (ids[i] == METRIC_CONNECTIONS)
            input.connections_greatest = greatest;
    }
    if (bottleneck_busy_hours(arena, series, &is_busy) > 0 &&
        (!waits_read(session, arena, series, is_busy, true, &input.busy, error) ||
         !waits_read(session, arena, series, is_busy, false, &input.others, error)))
        return false;
    *ret_input = input;
    return true;
}
