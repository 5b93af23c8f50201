// SPDX-License-Identifier: PostgreSQL
/*
 * How well recommendations did.
 */
#include "workflow/result_report.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

static void
share_write(JsonWriter *json, const ResultShare *share)
{
    json_key_int(json, "count", share->count);
    json_key_int(json, "held", share->held);
    api_json_double(json, "share", share->share);
    api_json_double(json, "low", share->low);
    api_json_double(json, "high", share->high);
    json_key_bool(json, "is_enough", !share->is_thin);
}

static void
kind_write(JsonWriter *json, const ResultKind *kind)
{
    json_object_begin(json);
    json_key_string(json, "source_type", kind->source_type[0] == '\0' ? NULL : kind->source_type);
    json_key_string(json, "kind", kind->kind[0] == '\0' ? NULL : kind->kind);
    share_write(json, &kind->success);
    json_key_int(json, "failed", kind->failed);
    api_json_double(json, "predicted_percent", kind->predicted_percent);
    api_json_double(json, "actual_percent", kind->actual_percent);
    api_json_double(json, "actual_low", kind->actual_low);
    api_json_double(json, "actual_high", kind->actual_high);
    api_json_double(json, "accuracy", kind->accuracy);
    api_json_double(json, "factor", kind->factor);
    json_object_end(json);
}

static void
calibration_write(JsonWriter *json, const ResultReport *report)
{
    json_key(json, "calibration");
    json_array_begin(json);
    for (size_t i = 0; i < RESULT_REPORT_BINS; i++) {
        json_object_begin(json);
        json_key_double(json, "from", report->bins[i].from);
        json_key_double(json, "to", report->bins[i].to);
        api_json_double(json, "stated", report->bins[i].stated);
        share_write(json, &report->bins[i].held);
        json_object_end(json);
    }
    json_array_end(json);
}

bool
handle_results_report(ApiRequest *request, Error *error)
{
    int64_t target_id = 0;
    ResultReport report;
    PgConnection *session;
    if (!api_parameter_int(request, "target_id", 1, INT64_MAX, &target_id))
        return false;
    if (!api_session(request, &session, error) ||
        !result_report_read(session, request->arena, target_id, &report, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key(json, "kinds");
    json_array_begin(json);
    for (size_t i = 0; i < report.kind_count; i++)
        kind_write(json, &report.kinds[i]);
    json_array_end(json);
    json_key(json, "all");
    kind_write(json, &report.all);
    calibration_write(json, &report);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}
