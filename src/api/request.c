// SPDX-License-Identifier: PostgreSQL
#include "api/api_internal.h"

#include "base/log.h"
#include "pg/result.h"

#include <stdio.h>
#include <math.h>
#include <string.h>

bool
api_session_take(ApiRequest *request, PgConnection **ret_session, Error *error)
{
    if (request->session.connection == NULL) {
        if (!store_session_take(request->api->context.store, request->http->deadline, &request->session,
                                error))
            return false;
        pg_connection_set_deadline(request->session.connection, request->http->deadline);
    }
    *ret_session = request->session.connection;
    return true;
}

bool
api_session(ApiRequest *request, PgConnection **ret_session, Error *error)
{
    if (!api_session_take(request, ret_session, error))
        return false;
    if (request->route != NULL && request->route->action != NULL && !request->is_in_transaction) {
        if (!pg_execute(*ret_session, "BEGIN", error))
            return false;
        request->is_in_transaction = true;
    }
    return true;
}

bool
api_session_end(ApiRequest *request, bool commit, Error *error)
{
    if (request->session.connection == NULL)
        return true;
    bool good =
        !request->is_in_transaction || !commit || pg_execute(request->session.connection, "COMMIT", error);
    request->is_in_transaction = false;
    /* What is still open is rolled back when the session is given back; that has its own time. */
    pg_connection_set_deadline(request->session.connection, 0);
    store_session_close_at(&request->session);
    request->session = (StoreSession){0};
    return good;
}

void
api_refuse_fill(ApiRequest *request, int status, const char *code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *message = arena_vprintf(request->arena, format, arguments);
    va_end(arguments);
    http_reply_error(request->http, status, code, message, NULL);
}

typedef struct FailureReply {
    ErrorCode error;
    int status;
    const char *code;
} FailureReply;

/* Failures whose words are meant for who asked; the rest is the store's, and its words go to the log. */
static const FailureReply failure_replies[] = {
    {ERROR_USAGE, 400, "invalid_parameter"},   {ERROR_INPUT, 400, "invalid_parameter"},
    {ERROR_NOT_FOUND, 404, "not_found"},       {ERROR_CONFLICT, 409, "conflict"},
    {ERROR_LIMIT, 400, "invalid_parameter"},   {ERROR_UNSUPPORTED, 422, "not_applicable"},
    {ERROR_PERMISSION, 422, "not_applicable"},
};

static const char *
failure_details(ApiRequest *request, const Error *error)
{
    if (error->hint[0] == '\0')
        return NULL;
    Text text = text_new(request->arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key_string(&json, "hint", error->hint);
    json_object_end(&json);
    return text.data;
}

void
api_reply_failure(ApiRequest *request, const Error *error)
{
    HttpRequest *http = request->http;
    for (size_t i = 0; i < FETTLE_COUNT_OF(failure_replies) && error->sqlstate[0] == '\0'; i++)
        if (failure_replies[i].error == error->code) {
            http_reply_error(http, failure_replies[i].status, failure_replies[i].code, error->message,
                             failure_details(request, error));
            return;
        }
    log_write(LOG_LEVEL_ERROR, "request %s: %s", http->request_id, error->message);
    if (error->code == ERROR_TIMEOUT || strcmp(error->sqlstate, "57014") == 0)
        http_reply_error(http, 503, "timeout", "the time limit of the request passed", NULL);
    else if (error->code == ERROR_CANCELLED)
        http_reply_error(http, 503, "unavailable", "the server is stopping", NULL);
    else if (error->code == ERROR_DISK_FULL || strcmp(error->sqlstate, "53100") == 0)
        http_reply_error(http, 500, "store_error", "the store's disk is full", NULL);
    else if (error->code == ERROR_INTERNAL)
        http_reply_error(http, 500, "internal", "internal error", NULL);
    else
        http_reply_error(http, 500, "store_error", "the store could not answer", NULL);
}

JsonWriter *
api_json(ApiRequest *request)
{
    if (request->text.arena == NULL) {
        request->text = text_new(request->arena);
        request->json = json_writer_new(&request->text, false);
    }
    return &request->json;
}

bool
api_reply(ApiRequest *request, int status)
{
    fettle_assert(request->json.depth == 0);
    request->http->reply.status = status;
    request->http->reply.body = request->text.data;
    request->http->reply.length = request->text.length;
    return true;
}

bool
api_reply_nothing(ApiRequest *request)
{
    request->http->reply.status = 204;
    return true;
}

void
api_json_time(JsonWriter *json, const char *key, int64_t wall_us)
{
    json_key_string(json, key, wall_us <= 0 ? NULL : clock_format_utc(json->text->arena, wall_us));
}

void
api_json_now(JsonWriter *json, const char *key)
{
    api_json_time(json, key, clock_wall_us());
}

void
api_json_range(JsonWriter *json, int64_t from_us, int64_t to_us)
{
    api_json_time(json, "from", from_us);
    api_json_time(json, "to", to_us);
}

JsonWriter *
api_list_begin(ApiRequest *request, const char *key)
{
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key(json, key);
    json_array_begin(json);
    return json;
}

bool
api_list_reply(ApiRequest *request, size_t count)
{
    JsonWriter *json = api_json(request);
    json_array_end(json);
    json_key_int(json, "count", (int64_t)count);
    json_object_end(json);
    return api_reply(request, 200);
}

JsonWriter *
api_ranged_begin(ApiRequest *request, const char *id_key, int64_t from_us, int64_t to_us)
{
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_int(json, id_key, request->id);
    api_json_range(json, from_us, to_us);
    return json;
}

void
api_json_embed(JsonWriter *json, const char *key, const char *json_text)
{
    json_key(json, key);
    if (json_text == NULL || !body_is_json(json_text))
        json_write_null(json);
    else
        json_raw(json, json_text);
}

void
api_json_id(JsonWriter *json, const char *key, int64_t id)
{
    json_key(json, key);
    if (id == 0)
        json_write_null(json);
    else
        json_int(json, id);
}
