// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#include <math.h>

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)
#define POINTS_MOST 100000
#define HOUR_MS 3600000
#define US_PER_MS 1000

static const MetricInfo metric_infos[] = {
#define METRIC_INFO(id, name, kind, unit, documentation) {name, kind, unit, documentation},
    METRICS_TABLE(METRIC_INFO)
#undef METRIC_INFO
};

const MetricInfo *
metric_info(MetricId id)
{
    fettle_assert(id < METRIC_COUNT);
    return &metric_infos[id];
}

bool
metric_find(const char *name, MetricId *ret_id)
{
    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (text_equals(metric_infos[i].name, name)) {
            *ret_id = (MetricId)i;
            return true;
        }
    return false;
}

static bool
metric_round_write(PgConnection *session, const MetricRound *round, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("metric round", ARENA_BYTES);
    Text figures = observation_array_begin(arena);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        observation_array_real(&figures, round->values[i]);
    StoreNumber target = store_number(round->target_id);
    StoreNumber at = store_number(round->collected_at_us);
    StoreNumber interval = store_number(round->interval_ms);
    const char *const parameters[] = {target.text, at.text, interval.text, observation_array_end(&figures)};
    ObservationInsert insert = {.query = "metric_round_write",
                                .table = "metric_rounds",
                                .at_us = round->collected_at_us,
                                .parameters = parameters,
                                .parameter_count = (int)FETTLE_COUNT_OF(parameters)};
    return observation_insert(session, &insert, error);
}

bool
metric_rounds_write(PgConnection *session, const MetricRound *rounds, size_t count, Error *error)
{
    bool is_good = observation_begin(session, count, error);
    for (size_t i = 0; i < count && is_good; i++)
        is_good = metric_round_write(session, &rounds[i], error);
    return observation_end(session, is_good, error) || error_prefix(error, "could not write metrics");
}

/* The months that are about to be written; one call makes one partition. */
static bool
hours_make_partitions(PgConnection *session, const char *const *parameters, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *hours = NULL;
    if (!store_query(session, "metric_hours_wanted", parameters, 2, &hours, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(hours); row++)
        if (!store_query(session, "observation_partition",
                         STORE_PARAMETERS("metric_hours", pg_result_text(hours, row, 0)), NULL, error))
            return false;
    return true;
}

bool
metric_hours_write(PgConnection *session, int64_t target_id, int64_t now_us, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber now = store_number(now_us);
    const char *const parameters[] = {target.text, now.text};
    return (hours_make_partitions(session, parameters, error) &&
            store_query(session, "metric_hours_write", parameters, 2, NULL, error)) ||
           error_prefix(error, "could not add up metrics by the hour");
}

static const char *
series_query(const MetricRange *range)
{
    if (range->step_ms == 0)
        return "metric_series";
    return range->step_ms % HOUR_MS == 0 ? "metric_series_hours" : "metric_series_step";
}

bool
metric_series_read(PgConnection *session, Arena *arena, const MetricRange *range, MetricId id,
                   MetricPoint **ret_points, size_t *ret_count, Error *error)
{
    fettle_assert(id < METRIC_COUNT && range->step_ms >= 0);
    StoreNumber target = store_number(range->target_id);
    StoreNumber from = store_number(range->from_us);
    StoreNumber to = store_number(range->to_us);
    StoreNumber position = store_number((int64_t)id + 1);
    StoreNumber step = store_number(range->step_ms * US_PER_MS);
    const char *const parameters[] = {target.text, from.text, to.text, position.text, step.text};
    PgQuery query = {.text = store_query_text(series_query(range)),
                     .is_prepared = true,
                     .parameters = parameters,
                     .parameter_count = range->step_ms == 0 ? 4 : 5,
                     .rows_most = (int64_t)(range->points_most > 0 ? range->points_most : POINTS_MOST)};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!pg_query(session, &query, &result, error))
        return error_prefix(error, "could not read the metric %s", metric_info(id)->name);
    *ret_count = (size_t)pg_result_rows(result);
    *ret_points = ARENA_NEW_ARRAY(arena, MetricPoint, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_points)[i] = (MetricPoint){.from_us = pg_result_int(result, (int64_t)i, 0, 0),
                                         .to_us = pg_result_int(result, (int64_t)i, 1, 0),
                                         .mean = pg_result_double(result, (int64_t)i, 2, NAN),
                                         .least = pg_result_double(result, (int64_t)i, 3, NAN),
                                         .greatest = pg_result_double(result, (int64_t)i, 4, NAN)};
    return true;
}
