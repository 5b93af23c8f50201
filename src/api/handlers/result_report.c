// SPDX-License-Identifier: PostgreSQL
/*
 * How well recommendations did.
 */
#include "workflow/result_report.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

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
    result_report_json(json, &report);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}
