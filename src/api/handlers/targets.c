// SPDX-License-Identifier: PostgreSQL
#include "store/target.h"

#include "api/api_internal.h"
#include "api/connection_test.h"
#include "api/handlers/handlers.h"

#include <string.h>

#define DSN_BYTES_MOST 4096
#define INTERVAL_MS_LEAST 1000
#define INTERVAL_MS_MOST 3600000

void
after_targets_changed(ApiRequest *request)
{
    const ApiContext *context = &request->api->context;
    if (context->targets_changed != NULL)
        context->targets_changed(context->server);
}

bool
api_target_check(ApiRequest *request, PgConnection *session, int64_t target_id, Error *error)
{
    Target target;
    return target_get(session, request->arena, target_id, &target, error);
}

static void
target_write(JsonWriter *json, const Target *target)
{
    json_object_begin(json);
    json_key_int(json, "target_id", target->target_id);
    json_key_string(json, "name", target->name);
    json_key_string(json, "conninfo", target->conninfo);
    json_key_bool(json, "has_password", target->has_password);
    json_key_bool(json, "enabled", target->is_enabled);
    json_key(json, "databases");
    json_array_begin(json);
    for (size_t i = 0; i < target->database_count; i++)
        json_write_string(json, target->databases[i]);
    json_array_end(json);
    api_json_id(json, "interval_ms", target->interval_ms);
    api_json_time(json, "created_at", target->created_at_us);
    api_json_time(json, "last_round_at", target->last_round_at_us);
    json_key_string(json, "last_error", target->last_error);
    json_key_string(json, "last_notice", target->last_notice);
    json_key_string(json, "server_version", target->server_version);
    api_json_id(json, "system_identifier", target->system_identifier);
    json_object_end(json);
}

static bool
target_reply(ApiRequest *request, PgConnection *session, int64_t target_id, int status, Error *error)
{
    Target target;
    if (!target_get(session, request->arena, target_id, &target, error))
        return false;
    target_write(api_json(request), &target);
    return api_reply(request, status);
}

bool
handle_targets_list(ApiRequest *request, Error *error)
{
    PgConnection *session;
    TargetList list;
    if (!api_session(request, &session, error) || !target_list(session, request->arena, &list, error))
        return false;
    JsonWriter *json = api_list_begin(request, "targets");
    for (size_t i = 0; i < list.count; i++)
        target_write(json, &list.items[i]);
    return api_list_reply(request, list.count);
}

bool
handle_target_get(ApiRequest *request, Error *error)
{
    PgConnection *session;
    return api_session(request, &session, error) && target_reply(request, session, request->id, 200, error);
}

static bool
change_fields(ApiRequest *request, TargetChange *change)
{
    return api_field_text(request, "name", TARGET_NAME_BYTES, &change->name) &&
           api_field_text(request, "dsn", DSN_BYTES_MOST, &change->dsn) &&
           api_field_texts(request, "databases", TARGET_DATABASES_MOST, &change->databases,
                           &change->database_count, &change->sets_databases) &&
           api_field_bool(request, "enabled", &change->enabled) &&
           api_field_int(request, "interval_ms", INTERVAL_MS_LEAST, INTERVAL_MS_MOST, &change->interval_ms);
}

static void
target_object_set(ApiRequest *request, int64_t target_id)
{
    request->target_id = target_id;
    request->object = arena_printf(request->arena, "target:%lld", (long long)target_id);
}

bool
handle_target_create(ApiRequest *request, Error *error)
{
    TargetChange change = {.enabled = 1};
    PgConnection *session;
    int64_t target_id;
    if (!api_field_required(request, "name") || !api_field_required(request, "dsn") ||
        !change_fields(request, &change))
        return false;
    if (!api_session(request, &session, error) ||
        !target_create(request->api->context.store, session, &change, &target_id, error))
        return false;
    target_object_set(request, target_id);
    request->http->reply.location =
        arena_printf(request->arena, "/api/v1/targets/%lld", (long long)target_id);
    request->after = after_targets_changed;
    return target_reply(request, session, target_id, 201, error);
}

bool
handle_target_update(ApiRequest *request, Error *error)
{
    TargetChange change = {.enabled = -1, .interval_ms = -1};
    PgConnection *session;
    target_object_set(request, request->id);
    if (!change_fields(request, &change))
        return false;
    if (!api_session(request, &session, error) ||
        !target_update(request->api->context.store, session, request->id, &change, error))
        return false;
    request->after = after_targets_changed;
    return target_reply(request, session, request->id, 200, error);
}

bool
handle_target_delete(ApiRequest *request, Error *error)
{
    PgConnection *session;
    target_object_set(request, request->id);
    if (!api_session(request, &session, error) || !target_delete(session, request->id, error))
        return false;
    request->after = after_targets_changed;
    return api_reply_nothing(request);
}

static bool
test_reply(ApiRequest *request, const char *dsn)
{
    ConnectionTest test;
    ConnectionTestOptions options = {
        .connect_timeout_ms = (int)settings_get_int(request->settings, SETTING_TARGET_CONNECT_TIMEOUT),
        .statement_timeout_ms = (int)settings_get_int(request->settings, SETTING_TARGET_STATEMENT_TIMEOUT),
        .lock_timeout_ms = (int)settings_get_int(request->settings, SETTING_TARGET_LOCK_TIMEOUT),
        .deadline = request->http->deadline};
    connection_test_run(request->arena, dsn, &options, &test);
    connection_test_write(api_json(request), &test);
    return api_reply(request, 200);
}

bool
handle_target_test(ApiRequest *request, Error *error)
{
    PgConnection *session;
    const char *dsn;
    target_object_set(request, request->id);
    /* The store's session is given back before the target is waited for. */
    return api_session(request, &session, error) &&
           target_dsn(request->api->context.store, session, request->arena, request->id, &dsn, error) &&
           api_session_end(request, true, error) && test_reply(request, dsn);
}

bool
handle_connection_test(ApiRequest *request, Error *error)
{
    (void)error;
    const char *dsn = NULL;
    if (!api_field_required(request, "dsn") || !api_field_text(request, "dsn", DSN_BYTES_MOST, &dsn))
        return false;
    request->object = arena_printf(request->arena, "dsn:%s", pg_dsn_describe(request->arena, dsn));
    return test_reply(request, dsn);
}
