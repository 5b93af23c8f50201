// SPDX-License-Identifier: PostgreSQL
/*
 * Anomalies and incidents of the targets, the newest first; both with the same filters.
 */
#include "api/api_internal.h"
#include "api/handlers/anomaly_internal.h"
#include "api/handlers/handlers.h"
#include "store/incident.h"
#include "workload/anomaly.h"

#define LIMIT_STANDARD 50

static bool
filter_read(ApiRequest *request, AnomalyFilter *filter)
{
    static const char *const severities[] = {"low", "medium", "high", "critical", NULL};
    static const char *const truths[] = {"false", "true", NULL};
    const char *types[ANOMALY_TYPE_COUNT + 1] = {NULL};
    int severity;
    int type;
    int64_t limit = LIMIT_STANDARD;
    for (int i = 0; i < ANOMALY_TYPE_COUNT; i++)
        types[i] = anomaly_type_word((AnomalyType)i);
    *filter = (AnomalyFilter){.resolved = -1};
    if (!api_parameter_int(request, "target_id", 1, INT64_MAX, &filter->target_id) ||
        !api_parameter_word(request, "severity", severities, -1, &severity) ||
        !api_parameter_word(request, "type", types, -1, &type) ||
        !api_parameter_word(request, "resolved", truths, -1, &filter->resolved) ||
        !api_parameter_time(request, "since", &filter->since_us) ||
        !api_parameter_int(request, "limit", 1, ANOMALIES_MOST, &limit))
        return false;
    filter->severity = severity < 0 ? NULL : severities[severity];
    filter->type = type < 0 ? NULL : types[type];
    filter->most = (size_t)limit;
    return true;
}

void
api_anomaly_write(JsonWriter *json, const AnomalyRow *row)
{
    json_object_begin(json);
    json_key_int(json, "id", row->id);
    json_key_int(json, "target_id", row->target_id);
    api_json_id(json, "query_hash", row->query_hash);
    json_key_string(json, "anomaly_type", row->anomaly_type);
    json_key_string(json, "severity", row->severity);
    json_key_string(json, "metric_name", row->metric_name);
    json_key_double(json, "metric_value", row->metric_value);
    json_key_double(json, "baseline_value", row->baseline_value);
    json_key_double(json, "deviation_stddev", row->deviation);
    json_key_double(json, "z_score", row->z_score);
    api_json_embed(json, "raw_metrics_json", row->raw_metrics_json);
    api_json_time(json, "detected_at", row->detected_at_us);
    api_json_time(json, "last_seen_at", row->last_seen_at_us);
    json_key_bool(json, "resolved", row->resolved);
    api_json_time(json, "resolved_at", row->resolved_at_us);
    api_json_id(json, "incident_id", row->incident_id);
    json_object_end(json);
}

bool
handle_anomalies_list(ApiRequest *request, Error *error)
{
    AnomalyFilter filter;
    AnomalyRows rows;
    PgConnection *session;
    if (!filter_read(request, &filter) || !api_session(request, &session, error) ||
        !anomalies_read(session, request->arena, &filter, &rows, error))
        return false;
    JsonWriter *json = api_list_begin(request, "anomalies");
    for (size_t i = 0; i < rows.count; i++)
        api_anomaly_write(json, &rows.items[i]);
    return api_list_reply(request, rows.count);
}

static void
incident_json(JsonWriter *json, const Incident *incident)
{
    json_object_begin(json);
    json_key_int(json, "id", incident->id);
    json_key_int(json, "target_id", incident->target_id);
    json_key_string(json, "incident_type", incident->incident_type);
    json_key_string(json, "severity", incident->severity);
    api_json_time(json, "first_at", incident->first_at_us);
    api_json_time(json, "last_at", incident->last_at_us);
    api_json_time(json, "peak_at", incident->peak_at_us);
    json_key_double(json, "peak_z", incident->peak_z);
    json_key_string(json, "peak_metric", incident->peak_metric);
    json_key_double(json, "peak_value", incident->peak_value);
    json_key_double(json, "peak_baseline", incident->peak_baseline);
    api_json_id(json, "peak_query_hash", incident->peak_query_hash);
    json_key(json, "query_hashes");
    json_array_begin(json);
    for (size_t i = 0; i < incident->query_hash_count; i++)
        json_int(json, incident->query_hashes[i]);
    json_array_end(json);
    json_key_string(json, "probable_cause", incident->probable_cause);
    json_key_bool(json, "resolved", incident->resolved);
    api_json_time(json, "resolved_at", incident->resolved_at_us);
    json_object_end(json);
}

bool
handle_incidents_list(ApiRequest *request, Error *error)
{
    AnomalyFilter filter;
    Incidents incidents;
    PgConnection *session;
    if (!filter_read(request, &filter) || !api_session(request, &session, error) ||
        !incidents_read(session, request->arena, &filter, &incidents, error))
        return false;
    JsonWriter *json = api_list_begin(request, "incidents");
    for (size_t i = 0; i < incidents.count; i++)
        incident_json(json, &incidents.items[i]);
    return api_list_reply(request, incidents.count);
}
