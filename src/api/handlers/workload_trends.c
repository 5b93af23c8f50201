// SPDX-License-Identifier: PostgreSQL
/*
 * How the load of a target goes on (contract, section 11): its hours, trend and forecast, the next quiet
 * window and peak, and when it is full.
 */
#include "api/api_internal.h"
#include "api/handlers/anomaly_internal.h"
#include "api/handlers/handlers.h"
#include "workload/outlook_text.h"
#include "workload/study.h"
#include "workload/study_json.h"

#include <math.h>

#define HOUR_US (INT64_C(3600) * 1000000)
#define DAYS_STANDARD 7
#define DAYS_MOST 90
#define WINDOW_STANDARD 2
#define WINDOW_MOST 48
#define RISE_PERCENT_WARNED 20.0

/* What is asked for and what is found; the hours shown are the last of the series. */
typedef struct Trends {
    OutlookRequest request;
    int64_t days;
    int64_t window_hours;
    HourlySeries series;
    size_t first; /* hour that is shown */
    Outlook outlook;
    Trend trend;
    Shift shift; /* at: of the outlook's values */
    bool has_shift;
    AnomalyRows anomalies;
    OutlookCapacity capacities[OUTLOOK_CAPACITIES_MOST];
    size_t capacity_count;
} Trends;

static bool
trends_parameters(ApiRequest *request, Trends *trends)
{
    int64_t hours = OUTLOOK_HOURS_STANDARD;
    trends->days = DAYS_STANDARD;
    trends->window_hours = WINDOW_STANDARD;
    trends->request = (OutlookRequest){.target_id = request->id, .now_us = clock_wall_us()};
    if (!api_parameter_int(request, "days", 1, DAYS_MOST, &trends->days) ||
        !api_parameter_int(request, "hours", 1, (int64_t)FORECAST_HOURS_MOST, &hours) ||
        !api_parameter_int(request, "window_hours", 1, WINDOW_MOST, &trends->window_hours) ||
        !api_parameter_text(request, "database_name", &trends->request.database_name) ||
        !api_parameter_text(request, "metric", &trends->request.metric))
        return false;
    OutlookRequest *outlook = &trends->request;
    outlook->hours = (size_t)hours;
    if (outlook->metric == NULL)
        outlook->metric = "queries";
    if (!outlook_metric_is_known(outlook->metric))
        return api_refuse(request, 400, "invalid_parameter", "metric must be one of %s",
                          outlook_metric_names(request->arena));
    if (outlook->database_name != NULL && !outlook_metric_is_of_statements(outlook->metric))
        return api_refuse(request, 400, "invalid_parameter",
                          "the metric %s is of the whole target: leave out database_name", outlook->metric);
    return true;
}

static bool
trends_read(ApiRequest *request, PgConnection *session, Trends *trends, Error *error)
{
    Arena *arena = request->arena;
    AnomalyFilter anomalies = {.target_id = request->id,
                               .resolved = -1,
                               .since_us = trends->request.now_us - trends->days * 24 * HOUR_US,
                               .most = ANOMALIES_MOST};
    if (!outlook_series_read(session, arena, &trends->request, &trends->series, error) ||
        !anomalies_read(session, arena, &anomalies, &trends->anomalies, error) ||
        !outlook_capacities_read(session, arena, &trends->request, NAN, trends->capacities,
                                 &trends->capacity_count, error))
        return false;
    const HourlySeries *series = &trends->series;
    size_t shown = (size_t)trends->days * SERIES_DAY_HOURS;
    trends->first = series->count > shown ? series->count - shown : 0;
    if (outlook_metric_is_of_statements(trends->request.metric))
        trends->outlook = outlook_of_series(arena, &trends->request, series);
    else if (!outlook_read(session, arena, &trends->request, &trends->outlook, error))
        return false;
    const Outlook *outlook = &trends->outlook;
    size_t first = outlook->count > shown ? outlook->count - shown : 0;
    trends->trend = trend_find(arena, outlook->values + first, outlook->count - first,
                               series_date(outlook->from_hour + (int64_t)first).hour);
    trends->has_shift =
        trend_shift(arena, outlook->values, outlook->count, outlook->forecast.seasons, &trends->shift);
    return true;
}

static bool
bottlenecks_read(PgConnection *session, Arena *arena, const Trends *trends, WorkloadStudy *ret_study,
                 Error *error)
{
    StudyRange range = {.target_id = trends->request.target_id,
                        .database_name = trends->request.database_name,
                        .days = (int)trends->days,
                        .now_us = trends->request.now_us,
                        .parts = STUDY_BOTTLENECKS};
    return study_read(session, arena, &range, ret_study, error);
}

static void
series_write(JsonWriter *json, const Trends *trends)
{
    const HourlySeries *series = &trends->series;
    json_key(json, "series");
    json_array_begin(json);
    for (size_t i = trends->first; i < series->count; i++) {
        json_object_begin(json);
        api_json_time(json, "hour", (series->from_hour + (int64_t)i) * HOUR_US);
        json_key_double(json, "queries", series->calls[i]);
        json_key_double(json, "avg_ms", series->time_ms[i]);
        json_object_end(json);
    }
    json_array_end(json);
}

static void
trend_anomalies_write(JsonWriter *json, const AnomalyRows *anomalies)
{
    json_key(json, "anomalies");
    json_array_begin(json);
    for (size_t i = 0; i < anomalies->count; i++)
        api_anomaly_write(json, &anomalies->items[i]);
    json_array_end(json);
}

static void
shifts_write(JsonWriter *json, const Trends *trends)
{
    json_key(json, "shifts");
    json_array_begin(json);
    if (trends->has_shift) {
        json_object_begin(json);
        api_json_time(json, "at", (trends->outlook.from_hour + (int64_t)trends->shift.at) * HOUR_US);
        json_key_double(json, "change_percent", trends->shift.change_percent);
        json_key_string(json, "severity", trends->shift.is_high ? "high" : "medium");
        json_object_end(json);
    }
    json_array_end(json);
}

/* What a person should know beside the figures. */
static void
insights_write(JsonWriter *json, const Trends *trends)
{
    Arena *arena = json->text->arena;
    const char *why = outlook_verdict_sentence(trends->outlook.forecast.verdict);
    double rise = outlook_rise_percent(&trends->outlook);
    json_key(json, "insights");
    json_array_begin(json);
    if (why != NULL)
        json_write_string(json, why);
    if (rise > RISE_PERCENT_WARNED)
        json_write_string(
            json, arena_printf(arena, "the forecast is %.0f %% above the same hours of the last week", rise));
    if (trends->trend.word != TREND_STABLE && !isnan(trends->trend.chance))
        json_write_string(json,
                          arena_printf(arena, "%s by %.0f %%; %ssignificant, p = %.2g",
                                       trend_word(trends->trend.word), fabs(trends->trend.change_percent),
                                       trends->trend.chance < 0.05 ? "" : "not ", trends->trend.chance));
    for (size_t i = 0; i < trends->capacity_count; i++)
        if (trends->capacities[i].capacity.verdict == CAPACITY_DATED ||
            trends->capacities[i].capacity.verdict == CAPACITY_REACHED)
            json_write_string(
                json, outlook_capacity_sentence(arena, &trends->capacities[i], trends->request.now_us));
    json_array_end(json);
}

static void
windows_write(JsonWriter *json, const Trends *trends)
{
    QuietWindow window;
    const Forecast *forecast = &trends->outlook.forecast;
    bool is_found = quiet_window_find(forecast, (size_t)trends->window_hours, 0, &window);
    json_key(json, "quiet_window");
    outlook_json_window(json, &trends->outlook, &window, is_found);
    is_found = quiet_window_peak(forecast, 0, &window);
    json_key(json, "next_peak");
    outlook_json_window(json, &trends->outlook, &window, is_found);
}

bool
handle_workload_trends(ApiRequest *request, Error *error)
{
    Trends trends = {0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("workload study", STUDY_BYTES);
    WorkloadStudy study;
    PgConnection *session;
    if (!trends_parameters(request, &trends))
        return false;
    if (!api_session(request, &session, error) || !api_target_check(request, session, request->id, error) ||
        !trends_read(request, session, &trends, error) ||
        !bottlenecks_read(session, arena, &trends, &study, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, "connection_id", request->id);
    series_write(json, &trends);
    json_key_string(json, "metric", trends.outlook.metric);
    json_key_string(json, "unit", trends.outlook.unit);
    json_key_string(json, "trend", trend_word(trends.trend.word));
    json_key_double(json, "change_percent", trends.trend.change_percent);
    json_key(json, "forecast");
    outlook_json_forecast(json, &trends.outlook);
    json_key_string(json, "forecast_verdict", forecast_verdict_word(trends.outlook.forecast.verdict));
    trend_anomalies_write(json, &trends.anomalies);
    json_key(json, "bottlenecks");
    study_json_bottleneck_items(json, &study.bottlenecks);
    shifts_write(json, &trends);
    insights_write(json, &trends);
    windows_write(json, &trends);
    json_key(json, "parts");
    outlook_json_parts(json, &trends.outlook, (size_t)trends.days * SERIES_DAY_HOURS);
    json_key(json, "capacity");
    outlook_json_capacities(json, trends.capacities, trends.capacity_count, trends.request.now_us);
    json_object_end(json);
    return api_reply(request, 200);
}
