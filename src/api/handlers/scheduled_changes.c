// SPDX-License-Identifier: PostgreSQL
/*
 * Approved changes that wait for their moment: listed, cancelled.
 */
#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "api/handlers/result_internal.h"

#define LIMIT_STANDARD 100

void
scheduled_write(JsonWriter *json, const ScheduledChange *change)
{
    json_object_begin(json);
    json_key_int(json, "id", change->id);
    json_key_int(json, "target_id", change->target_id);
    api_json_id(json, "recommendation_id", change->recommendation_id);
    json_key_string(json, "recommendation_text", change->text);
    json_key_string(json, "state", change->state);
    json_key_string(json, "message", change->message);
    json_key_string(json, "moment", change->moment);
    api_json_time(json, "planned_from", change->from_us);
    api_json_time(json, "planned_to", change->to_us);
    api_json_time(json, "expires_at", change->expires_us);
    json_key_string(json, "sql", change->sql);
    json_key_string(json, "notes", change->notes);
    json_key_string(json, "requested_by", change->requested_by);
    api_json_id(json, "implementation_id", change->implementation_id);
    api_json_time(json, "created_at", change->created_at_us);
    api_json_time(json, "ended_at", change->ended_at_us);
    json_object_end(json);
}

bool
handle_scheduled_changes_list(ApiRequest *request, Error *error)
{
    static const char *const states[] = {"waiting", "done", "refused", "cancelled", "expired", NULL};
    ScheduledFilter filter = {0};
    ScheduledChanges list;
    int64_t limit = LIMIT_STANDARD;
    int state;
    PgConnection *session;
    if (!api_parameter_int(request, "target_id", 1, INT64_MAX, &filter.target_id) ||
        !api_parameter_word(request, "state", states, -1, &state) ||
        !api_parameter_int(request, "limit", 1, SCHEDULED_CHANGES_MOST, &limit))
        return false;
    filter.state = state < 0 ? NULL : states[state];
    filter.limit = (size_t)limit;
    if (!api_session(request, &session, error) ||
        !scheduled_change_list(session, request->arena, &filter, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "scheduled_changes");
    for (size_t i = 0; i < list.count; i++)
        scheduled_write(json, &list.items[i]);
    return api_list_reply(request, list.count);
}

bool
handle_scheduled_change_cancel(ApiRequest *request, Error *error)
{
    PgConnection *session;
    ScheduledChange found;
    ScheduledEnd end = {.state = "cancelled",
                        .message = arena_printf(request->arena, "cancelled by %s", request->caller.actor)};
    request->object = arena_printf(request->arena, "scheduled_change:%lld", (long long)request->id);
    if (!api_session(request, &session, error) ||
        !scheduled_change_get(session, request->arena, request->id, &found, error) ||
        !scheduled_change_end(session, request->id, &end, &request->target_id, error) ||
        !scheduled_change_get(session, request->arena, request->id, &found, error))
        return false;
    scheduled_write(api_json(request), &found);
    return api_reply(request, 200);
}
