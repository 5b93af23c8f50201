// SPDX-License-Identifier: PostgreSQL
/*
 * The kill switch: pauses in force, begun, ended.
 */
#include "store/pause.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

static void
pauses_write(JsonWriter *json, const Pauses *pauses)
{
    json_key(json, "pauses");
    json_array_begin(json);
    for (size_t i = 0; i < pauses->count; i++) {
        const Pause *pause = &pauses->items[i];
        json_object_begin(json);
        api_json_id(json, "target_id", pause->target_id);
        json_key_string(json, "target_name", pause->target_name);
        json_key_bool(json, "stops_undo", pause->stops_undo);
        json_key_string(json, "reason", pause->reason);
        json_key_string(json, "paused_by", pause->paused_by);
        api_json_time(json, "paused_at", pause->paused_at_us);
        json_object_end(json);
    }
    json_array_end(json);
    json_key_int(json, "count", (int64_t)pauses->count);
}

/* What is in force after the act, too. stopped negative: it is no act. */
static bool
pauses_reply(ApiRequest *request, PgConnection *session, int64_t stopped, Error *error)
{
    Pauses pauses;
    if (!pause_list(session, request->arena, &pauses, error))
        return false;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    pauses_write(json, &pauses);
    if (stopped >= 0)
        json_key_int(json, "stopped", stopped);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_pauses_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) && pauses_reply(request, session, -1, error);
}

static void
details_set(ApiRequest *request, const PauseOrder *order)
{
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_string(&json, "reason", order->reason);
    json_key_bool(&json, "stops_undo", order->stops_undo);
    json_key_bool(&json, "lets_finish", order->lets_finish);
    json_object_end(&json);
    request->details = details.data;
}

bool
handle_pause_begin(ApiRequest *request, Error *error)
{
    PauseOrder order = {.actor = request->caller.actor};
    int stops_undo = 0;
    int lets_finish = 0;
    int64_t stopped = 0;
    PgConnection *session;
    request->object = "changes";
    if (!api_field_required(request, "reason") ||
        !api_field_text(request, "reason", PAUSE_REASON_BYTES, &order.reason) ||
        !api_field_int(request, "target_id", 1, INT64_MAX, &order.target_id) ||
        !api_field_bool(request, "stops_undo", &stops_undo) ||
        !api_field_bool(request, "lets_finish", &lets_finish))
        return false;
    if (order.reason == NULL || order.reason[0] == '\0')
        return api_refuse(request, 400, "invalid_parameter", "reason must not be empty");
    order.stops_undo = stops_undo == 1;
    order.lets_finish = lets_finish == 1;
    request->target_id = order.target_id;
    details_set(request, &order);
    return api_session(request, &session, error) &&
           (order.target_id == 0 || api_target_check(request, session, order.target_id, error)) &&
           pause_begin(session, &order, &stopped, error) && pauses_reply(request, session, stopped, error);
}

bool
handle_pause_end(ApiRequest *request, Error *error)
{
    int64_t target_id = 0;
    PgConnection *session;
    request->object = "changes";
    if (!api_field_int(request, "target_id", 1, INT64_MAX, &target_id))
        return false;
    request->target_id = target_id;
    return api_session(request, &session, error) &&
           (target_id == 0 || api_target_check(request, session, target_id, error)) &&
           pause_end(session, target_id, request->caller.actor, error) &&
           pauses_reply(request, session, -1, error);
}
