// SPDX-License-Identifier: PostgreSQL
#include "store/webhook.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"
#include "store/notice.h"
#include "store/target.h"
#include "workflow/webhook_send.h"

#include <inttypes.h>

#define EVENTS_MOST 32

static void
webhook_write(JsonWriter *json, const Webhook *webhook)
{
    json_object_begin(json);
    json_key_int(json, "webhook_id", webhook->webhook_id);
    json_key_string(json, "name", webhook->name);
    json_key_string(json, "kind", webhook_kind_word(webhook->kind));
    json_key_string(json, "origin", webhook->origin);
    json_key_bool(json, "has_secret", webhook->has_secret);
    json_key_bool(json, "enabled", webhook->is_enabled);
    json_key(json, "events");
    json_array_begin(json);
    for (size_t i = 0; i < webhook->event_count; i++)
        json_write_string(json, webhook->events[i]);
    json_array_end(json);
    json_key(json, "target_ids");
    json_array_begin(json);
    for (size_t i = 0; i < webhook->target_count; i++)
        json_int(json, webhook->target_ids[i]);
    json_array_end(json);
    api_json_time(json, "created_at", webhook->created_at_us);
    json_key_int(json, "waiting", webhook->waiting);
    json_key_int(json, "given_up", webhook->given_up);
    json_key_int(json, "failures", webhook->failures);
    json_key_string(json, "last_error", webhook->last_error);
    api_json_time(json, "last_failure_at", webhook->last_failure_at_us);
    api_json_time(json, "last_success_at", webhook->last_success_at_us);
    api_json_time(json, "paused_until", webhook->paused_until_us);
    json_object_end(json);
}

static bool
webhook_reply(ApiRequest *request, PgConnection *session, int64_t webhook_id, int status, Error *error)
{
    Webhook webhook;
    if (!webhook_get(session, request->arena, webhook_id, &webhook, error))
        return false;
    webhook_write(api_json(request), &webhook);
    return api_reply(request, status);
}

bool
handle_webhooks_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    WebhookList list;
    if (!api_session(request, &session, error) || !webhook_list(session, request->arena, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "webhooks");
    for (size_t i = 0; i < list.count; i++)
        webhook_write(json, &list.items[i]);
    return api_list_reply(request, list.count);
}

bool
handle_webhook_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) && webhook_reply(request, session, request->id, 200, error);
}

static bool
targets_field(ApiRequest *request, WebhookChange *change)
{
    BodyValue field = body_field(request->body, "target_ids");
    if (field.kind == BODY_ABSENT)
        return true;
    if (field.kind != BODY_LIST || field.count > WEBHOOK_TARGETS_MOST)
        return api_refuse(request, 400, "invalid_parameter", "target_ids must be a list of at most %d ids",
                          WEBHOOK_TARGETS_MOST);
    int64_t *ids = ARENA_NEW_ARRAY(request->arena, int64_t, field.count + 1);
    for (size_t i = 0; i < field.count; i++) {
        BodyValue item = body_item(&field, i);
        if (item.kind != BODY_INT || item.integer < 1)
            return api_refuse(request, 400, "invalid_parameter",
                              "target_ids must be a list of positive whole numbers");
        ids[i] = item.integer;
    }
    change->target_ids = ids;
    change->target_count = field.count;
    change->sets_targets = true;
    return true;
}

static bool
change_fields(ApiRequest *request, WebhookChange *change)
{
    return api_field_text(request, "name", WEBHOOK_NAME_BYTES, &change->name) &&
           api_field_text(request, "kind", WEBHOOK_NAME_BYTES, &change->kind) &&
           api_field_text(request, "url", WEBHOOK_URL_BYTES, &change->url) &&
           api_field_text(request, "secret", WEBHOOK_SECRET_BYTES_MOST, &change->secret) &&
           api_field_texts(request, "events", EVENTS_MOST, &change->events, &change->event_count,
                           &change->sets_events) &&
           targets_field(request, change) && api_field_bool(request, "enabled", &change->enabled);
}

/* 404 when the filter names a target that is not there. */
static bool
targets_check(ApiRequest *request, PgConnection *session, const WebhookChange *change, Error *error)
{
    TargetList list;
    if (change->target_count == 0)
        return true;
    if (!target_list(session, request->arena, &list, error))
        return false;
    for (size_t i = 0; i < change->target_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < list.count; j++)
            is_there = is_there || list.items[j].target_id == change->target_ids[i];
        if (!is_there)
            return error_set(error, ERROR_NOT_FOUND, "there is no target %" PRId64, change->target_ids[i]);
    }
    return true;
}

static void
object_set(ApiRequest *request, int64_t webhook_id)
{
    request->object = arena_printf(request->arena, "webhook:%" PRId64, webhook_id);
}

bool
handle_webhook_create(ApiRequest *request, Error *error)
{
    WebhookChange change = {.enabled = 1};
    PgConnection *session;
    int64_t webhook_id;
    if (!api_field_required(request, "name") || !api_field_required(request, "url") ||
        !change_fields(request, &change))
        return false;
    if (!api_session(request, &session, error) || !targets_check(request, session, &change, error) ||
        !webhook_create(request->api->context.store, session, &change, &webhook_id, error))
        return false;
    object_set(request, webhook_id);
    request->http->reply.location = arena_printf(request->arena, "/api/v1/webhooks/%" PRId64, webhook_id);
    return webhook_reply(request, session, webhook_id, 201, error);
}

bool
handle_webhook_update(ApiRequest *request, Error *error)
{
    WebhookChange change = {.enabled = -1};
    PgConnection *session;
    object_set(request, request->id);
    return change_fields(request, &change) && api_session(request, &session, error) &&
           targets_check(request, session, &change, error) &&
           webhook_update(request->api->context.store, session, request->id, &change, error) &&
           webhook_reply(request, session, request->id, 200, error);
}

bool
handle_webhook_delete(ApiRequest *request, Error *error)
{
    PgConnection *session;
    object_set(request, request->id);
    return api_session(request, &session, error) && webhook_delete(session, request->id, error) &&
           api_reply_nothing(request);
}

bool
handle_webhook_test(ApiRequest *request, Error *error)
{
    PgConnection *session;
    WebhookAddress address;
    object_set(request, request->id);
    /* The store's session is given back before the webhook is waited for. */
    if (!api_session(request, &session, error) ||
        !webhook_address(request->api->context.store, session, request->arena, request->id, &address,
                         error) ||
        !api_session_end(request, true, error))
        return false;
    WebhookAnswer answer = webhook_send_test(request->arena, &address, request->settings);
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_bool(json, "delivered", answer.is_delivered);
    api_json_id(json, "status", answer.status);
    json_key_string(json, "error", answer.is_delivered ? NULL : answer.reason);
    json_key_int(json, "duration_ms", answer.duration_ms);
    json_object_end(json);
    return api_reply(request, 200);
}
