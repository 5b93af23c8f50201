// SPDX-License-Identifier: PostgreSQL
#include "workload/outlook.h"

#include "base/text.h"
#include "store/observation.h"
#include "workload/refresh.h"

#include <math.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define HOUR_MS (INT64_C(3600) * 1000)

/* The metrics of statements. */
typedef enum StatementMetric {
    QUERIES,
    EXEC_MS,
    AVG_MS,
    READ_BLOCKS,
    TEMP_BLOCKS,
    STATEMENT_METRICS
} StatementMetric;

static const struct {
    const char *name;
    const char *unit;
} statement_metrics[STATEMENT_METRICS] = {
    [QUERIES] = {"queries", "1/h"},
    [EXEC_MS] = {"exec_ms", "ms/h"},
    [AVG_MS] = {"avg_ms", "ms"},
    [READ_BLOCKS] = {"read_blocks", "blocks/h"},
    [TEMP_BLOCKS] = {"temp_blocks", "blocks/h"},
};

static StatementMetric
statement_metric(const char *name)
{
    int metric = 0;
    while (metric < STATEMENT_METRICS && strcmp(statement_metrics[metric].name, name) != 0)
        metric++;
    return (StatementMetric)metric;
}

bool
outlook_metric_is_of_statements(const char *metric)
{
    return statement_metric(metric) != STATEMENT_METRICS;
}

bool
outlook_metric_is_known(const char *metric)
{
    MetricId id;
    return outlook_metric_is_of_statements(metric) || metric_find(metric, &id);
}

char *
outlook_metric_names(Arena *arena)
{
    Text text = text_new(arena);
    for (int metric = 0; metric < STATEMENT_METRICS; metric++)
        text_append_format(&text, "%s%s", metric == 0 ? "" : ", ", statement_metrics[metric].name);
    for (int id = 0; id < METRIC_COUNT; id++)
        text_append_format(&text, ", %s", metric_info((MetricId)id)->name);
    return text.data;
}

bool
outlook_series_read(PgConnection *session, Arena *arena, const OutlookRequest *request,
                    HourlySeries *ret_series, Error *error)
{
    HourlySeries *series = NULL;
    size_t count;
    PatternRefresh what = {.target_ids = &request->target_id,
                           .target_count = 1,
                           .database_name = request->database_name,
                           .lookback_days = OUTLOOK_DAYS,
                           .now_us = request->now_us};
    if (!series_read(session, arena, &what, &series, &count, error))
        return false;
    int64_t now_hour = request->now_us / HOUR_US;
    *ret_series = series_new(arena, now_hour, 0);
    if (count == 0)
        return true;
    HourlySeries sum = series_sum(arena, series, count);
    *ret_series = series_clean(arena, &sum, now_hour);
    return true;
}

static double
statement_value(const HourlySeries *series, StatementMetric metric, size_t i)
{
    if (isnan(series->calls[i]))
        return NAN;
    switch (metric) {
        case QUERIES: return series->calls[i];
        case EXEC_MS: return series->calls[i] * series->time_ms[i];
        case AVG_MS: /* of no calls there is none */ return series->calls[i] > 0 ? series->time_ms[i] : NAN;
        case READ_BLOCKS: return series->blocks_read[i];
        case TEMP_BLOCKS: return series->temp_blocks[i];
        case STATEMENT_METRICS: break;
    }
    return NAN;
}

/* Drops the unknown hours before the first known one, and forecasts. */
static void
finish(Arena *arena, size_t hours, double ceiling, Outlook *outlook)
{
    ForecastOptions options = {.hours = hours, .ceiling = ceiling};
    size_t first = 0;
    while (first < outlook->count && isnan(outlook->values[first]))
        first++;
    outlook->from_hour += (int64_t)first;
    outlook->values += first;
    outlook->count -= first;
    outlook->forecast = forecast_make(arena, outlook->values, outlook->count, &options);
}

Outlook
outlook_of_series(Arena *arena, const OutlookRequest *request, const HourlySeries *series)
{
    StatementMetric metric = statement_metric(request->metric);
    fettle_assert(metric != STATEMENT_METRICS);
    Outlook outlook = {.metric = statement_metrics[metric].name,
                       .unit = statement_metrics[metric].unit,
                       .from_hour = series->from_hour,
                       .count = series->count,
                       .values = ARENA_NEW_ARRAY(arena, double, series->count)};
    for (size_t i = 0; i < series->count; i++)
        outlook.values[i] = statement_value(series, metric, i);
    finish(arena, request->hours, INFINITY, &outlook);
    return outlook;
}

/* A metric of the catalogue by the hour. */
static bool
catalogue_read(PgConnection *session, Arena *arena, const OutlookRequest *request, Outlook *ret_outlook,
               Error *error)
{
    MetricId id;
    MetricPoint *points;
    size_t count;
    int64_t now_hour = request->now_us / HOUR_US;
    if (!metric_find(request->metric, &id))
        return error_set(error, ERROR_USAGE, "there is no metric \"%.40s\"", request->metric);
    MetricRange range = {.target_id = request->target_id,
                         .from_us = (now_hour - OUTLOOK_DAYS * SERIES_DAY_HOURS) * HOUR_US,
                         .to_us = now_hour * HOUR_US,
                         .step_ms = HOUR_MS};
    if (!metric_series_read(session, arena, &range, id, &points, &count, error))
        return false;
    HourlySeries hours = series_new(arena, range.from_us / HOUR_US, OUTLOOK_DAYS * SERIES_DAY_HOURS);
    for (size_t i = 0; i < count; i++) {
        int64_t place = points[i].from_us / HOUR_US - hours.from_hour;
        if (place >= 0 && place < (int64_t)hours.count && points[i].mean >= 0 && isfinite(points[i].mean))
            hours.calls[place] = points[i].mean;
    }
    *ret_outlook = (Outlook){.metric = metric_info(id)->name,
                             .unit = metric_info(id)->unit,
                             .from_hour = hours.from_hour,
                             .count = hours.count,
                             .values = hours.calls};
    bool is_share = id == METRIC_CACHE_HIT_RATIO || id == METRIC_CPU;
    finish(arena, request->hours, is_share ? 1 : INFINITY, ret_outlook);
    return true;
}

bool
outlook_read(PgConnection *session, Arena *arena, const OutlookRequest *request, Outlook *ret_outlook,
             Error *error)
{
    HourlySeries series;
    if (outlook_metric_is_of_statements(request->metric)) {
        if (!outlook_series_read(session, arena, request, &series, error))
            return false;
        *ret_outlook = outlook_of_series(arena, request, &series);
        return true;
    }
    if (request->database_name != NULL && outlook_metric_is_known(request->metric))
        return error_set(error, ERROR_USAGE, "the metric %s is of the whole target, not of a database",
                         request->metric);
    return catalogue_read(session, arena, request, ret_outlook, error);
}
