// SPDX-License-Identifier: PostgreSQL
#include "workload/anomaly_refresh_internal.h"

#include "base/list.h"
#include "base/map.h"
#include "store/sample_read.h"

#include <math.h>

#define SCRATCH_BYTES ((size_t)4 << 30)
#define DAY_US (INT64_C(24) * 3600 * 1000000)

_Static_assert(ANOMALY_HOURS == ANOMALY_DAY_HOURS, "a row holds what a baseline has");

VECTOR_DEFINE(RowList, BaselineRow);

typedef struct Making {
    Arena *arena;
    const AnomalyRefresh *refresh;
    const AnomalySeries *series;
    AnomalyPoint *points;
    RowList rows;
    size_t points_most;
} Making;

/* The hashes of the costliest statements, each once. */
static bool
hashes_read(PgConnection *session, Arena *arena, const AnomalyRefresh *refresh, int64_t **ret_hashes,
            size_t *ret_count, Error *error)
{
    SampleTotal *totals;
    size_t count;
    SampleRange range = {.target_id = refresh->range.target_id,
                         .from_us = refresh->range.from_us,
                         .to_us = refresh->range.to_us};
    if (!sample_top_read(session, arena, &range, SAMPLE_BY_TIME, refresh->statements_most, &totals, &count,
                         error))
        return false;
    Map *seen = map_new(arena);
    *ret_hashes = ARENA_NEW_ARRAY(arena, int64_t, count);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (map_get_id(seen, (uint64_t)totals[i].query_hash) != NULL)
            continue;
        map_put_id(seen, (uint64_t)totals[i].query_hash, &totals[i]);
        (*ret_hashes)[(*ret_count)++] = totals[i].query_hash;
    }
    return true;
}

/* From a step before an incident until it was over, or for a day: then it is known. */
static bool
is_of_incident(const Making *making, int64_t at_us)
{
    const Incidents *incidents = making->refresh->incidents;
    for (size_t i = 0; i < incidents->count; i++) {
        const Incident *incident = &incidents->items[i];
        int64_t until_us = incident->resolved ? incident->last_at_us : INT64_MAX;
        if (until_us > incident->first_at_us + DAY_US)
            until_us = incident->first_at_us + DAY_US;
        if (at_us >= incident->first_at_us - making->series->step_us && at_us <= until_us)
            return true;
    }
    return false;
}

static void
baseline_make(Making *making, const AnomalySteps *steps, AnomalyMetric metric)
{
    AnomalyBaseline baseline;
    size_t known = anomaly_series_points(making->series, steps, metric, making->points);
    size_t count = 0;
    for (size_t i = 0; i < known; i++)
        if (!is_of_incident(making, making->points[i].at_us))
            making->points[count++] = making->points[i];
    if (count > making->points_most)
        making->points_most = count;
    if (!anomaly_baseline_of(making->arena, metric, making->points, count, &baseline))
        return;
    double centre = 0;
    BaselineRow row = {.query_hash = steps->query_hash,
                       .metric_name = anomaly_metric_info(metric)->name,
                       .points = (int64_t)baseline.points,
                       .least = baseline.least,
                       .greatest = baseline.greatest,
                       .scale = baseline.scale,
                       .tail_low = baseline.tail_low,
                       .tail_high = baseline.tail_high};
    for (size_t h = 0; h < ANOMALY_HOURS; h++) {
        row.centres[h] = baseline.centres[h];
        centre += baseline.centres[h] / ANOMALY_HOURS;
    }
    row.usual = anomaly_restore(metric, centre);
    row.deviation = anomaly_restore(metric, centre + baseline.scale) - row.usual;
    vector_push(making->arena, &making->rows, row);
}

bool
anomaly_baselines_refresh(PgConnection *session, const AnomalyRefresh *refresh, int64_t *ret_points,
                          Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("baselines", SCRATCH_BYTES);
    AnomalySeriesOptions options = {.range = refresh->range};
    AnomalySeries series;
    int64_t *hashes;
    if (!hashes_read(session, arena, refresh, &hashes, &options.hash_count, error))
        return false;
    options.hashes = hashes;
    if (!anomaly_series_read(session, arena, &options, &series, error))
        return false;
    Making making = {.arena = arena,
                     .refresh = refresh,
                     .series = &series,
                     .points = ARENA_NEW_ARRAY(arena, AnomalyPoint, series.step_count)};
    for (size_t metric = 0; metric < ANOMALY_METRIC_COUNT; metric++)
        baseline_make(&making, &series.target, (AnomalyMetric)metric);
    for (size_t i = 0; i < series.statement_count; i++)
        for (size_t metric = 0; metric < ANOMALY_STATEMENT_METRICS; metric++)
            baseline_make(&making, &series.statements[i], (AnomalyMetric)metric);
    BaselineRows rows = {.items = making.rows.items, .count = making.rows.count};
    *ret_points = (int64_t)making.points_most;
    return baselines_write(session, refresh->range.target_id, refresh->range.step_ms, &rows, error);
}
