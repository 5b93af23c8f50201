// SPDX-License-Identifier: PostgreSQL
/*
 * Results: recommendations that were carried out, measured, undone.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/index_internal.h"
#include "api/handlers/result_internal.h"
#include "workflow/recommendation_measure.h"

#include <inttypes.h>
#include <math.h>

#define CHANGE_WAIT_MS 10000
#define LIMIT_STANDARD 20
#define LIMIT_MOST 500
#define US_PER_SECOND 1e6

static double
prediction_error_percent(const Implementation *found)
{
    double predicted = found->predicted_percent;
    return predicted == 0 ? NAN : (found->actual_percent - predicted) / predicted * 100;
}

void
result_write(JsonWriter *json, const Implementation *found)
{
    double waited_seconds = found->measured_at_us == 0
                                ? NAN
                                : (double)(found->measured_at_us - found->implemented_at_us) / US_PER_SECOND;
    json_object_begin(json);
    json_key_int(json, "implementation_id", found->id);
    json_key_int(json, "recommendation_id", found->recommendation_id);
    json_key_int(json, "target_id", found->target_id);
    api_json_id(json, "query_hash", found->query_hash);
    json_key_string(json, "source_type", found->source_type);
    json_key_string(json, "recommendation_text", found->text);
    json_key_string(json, "implementation_notes", found->notes);
    api_json_embed(json, "pre_metrics", found->pre_stats);
    api_json_embed(json, "post_metrics", found->post_stats);
    json_key_double(json, "estimated_improvement_percent", found->predicted_percent);
    json_key_double(json, "actual_improvement_percent", found->actual_percent);
    json_key_double(json, "actual_low", found->actual_low);
    json_key_double(json, "actual_high", found->actual_high);
    json_key_double(json, "actual_improvement_seconds", found->actual_seconds);
    json_key_double(json, "prediction_error_percent", prediction_error_percent(found));
    json_key_double(json, "accuracy_score", found->accuracy);
    json_key_double(json, "confidence_score", found->confidence);
    json_key_string(json, "status", found->status);
    json_key_string(json, "error_message", found->error_message);
    api_json_time(json, "implemented_at", found->implemented_at_us);
    api_json_time(json, "measured_at", found->measured_at_us);
    api_json_time(json, "rolled_back_at", found->rolled_back_at_us);
    json_key_double(json, "time_to_measurement_seconds", waited_seconds);
    api_json_id(json, "index_change_id", found->index_change_id);
    api_json_id(json, "undo_change_id", found->undo_change_id);
    json_key_string(json, "undo_sql", found->undo_sql);
    json_key_string(json, "undo_reason", found->undo_reason);
    json_key_string(json, "undo_remark", found->undo_remark);
    json_key_string(json, "harm", found->harm);
    api_json_time(json, "enough_data_at", found->enough_data_at_us);
    json_key_double(json, "detectable_percent", found->detectable_percent);
    json_object_end(json);
}

bool
result_carry_out(ApiRequest *request, int64_t change_id, Error *error)
{
    IndexWorker *worker = request->api->index_worker;
    Deadline until = deadline_earlier(deadline_after_ms(CHANGE_WAIT_MS), request->http->deadline);
    if (index_worker_submit(worker, change_id)) {
        (void)index_worker_wait(worker, change_id, until);
        return true;
    }
    PgConnection *session;
    if (!api_session(request, &session, error) ||
        !index_change_end(session, change_id, "failed", "too many index changes wait", error) ||
        !api_session_end(request, true, error))
        return false;
    return api_refuse(request, 503, "unavailable", "too many index changes wait");
}

bool
handle_results_list(ApiRequest *request, Error *error)
{
    static const char *const statuses[] = {
        "pending", "implemented", "no_improvement", "regressed", "reverted", "failed", NULL};
    int64_t recommendation_id = 0;
    int status;
    size_t limit;
    double total = 0;
    Implementations list;
    PgConnection *session;
    if (!api_parameter_int(request, "recommendation_id", 1, INT64_MAX, &recommendation_id) ||
        !api_parameter_word(request, "status", statuses, -1, &status) ||
        !result_limit(request, LIMIT_STANDARD, LIMIT_MOST, &limit))
        return false;
    if (!api_session(request, &session, error) ||
        !implementation_list(session, request->arena, recommendation_id, status < 0 ? NULL : statuses[status],
                             limit, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "results");
    for (size_t i = 0; i < list.count; i++) {
        result_write(json, &list.items[i]);
        total += isnan(list.items[i].actual_percent) ? 0 : list.items[i].actual_percent;
    }
    json_array_end(json);
    json_key_int(json, "count", (int64_t)list.count);
    json_key_double(json, "total_actual_improvement", total);
    api_json_now(json, "timestamp");
    if (list.count == 0)
        json_key_string(json, "message", "No results available");
    json_object_end(json);
    return api_reply(request, 200);
}

static bool
result_reply(ApiRequest *request, Error *error)
{
    PgConnection *session;
    Implementation found;
    if (!api_session(request, &session, error) ||
        !implementation_get(session, request->arena, request->id, &found, error))
        return false;
    request->target_id = found.target_id;
    result_write(api_json(request), &found);
    return api_reply(request, 200);
}

bool
handle_result_measure(ApiRequest *request, Error *error)
{
    IndexManager manager = {.store = request->api->context.store, .settings = request->settings};
    Implementation measured;
    request->object = arena_printf(request->arena, "implementation:%" PRId64, request->id);
    return recommendation_measure(&manager, request->arena, request->id, request->http->deadline, &measured,
                                  error) &&
           result_reply(request, error);
}

bool
handle_result_revert(ApiRequest *request, Error *error)
{
    IndexManager manager = {.store = request->api->context.store, .settings = request->settings};
    RecommendationUndo undo;
    const char *reason = NULL;
    Error failure = {0};
    request->object = arena_printf(request->arena, "implementation:%" PRId64, request->id);
    if (!api_field_text(request, "reason", RECOMMENDATION_REASON_BYTES, &reason))
        return false;
    if (!recommendation_undo_plan(&manager, request->arena, request->id, request->caller.actor, &undo,
                                  &failure) ||
        !recommendation_undo_record(&manager, request->arena, &undo, reason, &failure))
        return index_target_refuse(request, &failure);
    if (!undo.plan.is_done && !result_carry_out(request, undo.plan.change.id, error))
        return false;
    return result_reply(request, error);
}
