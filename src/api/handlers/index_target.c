// SPDX-License-Identifier: PostgreSQL
#include "api/handlers/index_internal.h"

#include "api/api_internal.h"
#include "api/handlers/handlers.h"

bool
index_target_begin(ApiRequest *request, int64_t target_id, IndexManager *ret_manager, Error *error)
{
    PgConnection *session;
    request->target_id = target_id;
    if (!api_session(request, &session, error) || !api_target_check(request, session, target_id, error) ||
        !api_session_end(request, true, error))
        return false;
    *ret_manager = (IndexManager){.store = request->api->context.store, .settings = request->settings};
    return true;
}

bool
index_target_refuse(ApiRequest *request, const Error *error)
{
    static const struct {
        ErrorCode code;
        int status;
        const char *word;
    } rows[] = {
        {ERROR_USAGE, 400, "invalid_parameter"},
        {ERROR_INPUT, 400, "invalid_parameter"},
        {ERROR_CONFLICT, 409, "conflict"},
        {ERROR_UNSUPPORTED, 422, "not_applicable"},
        {ERROR_PERMISSION, 422, "not_applicable"},
        {ERROR_DISK_FULL, 422, "not_applicable"},
        {ERROR_TIMEOUT, 503, "timeout"},
        {ERROR_CONNECTION, 503, "unavailable"},
        {ERROR_AUTHENTICATION, 503, "unavailable"},
        {ERROR_CANCELLED, 503, "unavailable"},
    };
    int status = 503;
    const char *word = "unavailable";
    for (size_t i = 0; i < FETTLE_COUNT_OF(rows); i++)
        if (rows[i].code == error->code) {
            status = rows[i].status;
            word = rows[i].word;
        }
    if (error->code == ERROR_NOT_FOUND) {
        /* a database that the server does not have is a wrong parameter; the target itself was found */
        status = error->sqlstate[0] == '\0' ? 404 : 400;
        word = status == 404 ? "not_found" : "invalid_parameter";
    }
    Text details = text_new(request->arena);
    JsonWriter json = json_writer_new(&details, false);
    json_object_begin(&json);
    json_key_string(&json, "hint", error->hint);
    json_object_end(&json);
    http_reply_error(request->http, status, word, error->message,
                     error->hint[0] == '\0' ? NULL : details.data);
    return false;
}

void
index_json_texts(JsonWriter *json, const char *key, const char *const *texts, size_t count)
{
    json_key(json, key);
    json_array_begin(json);
    for (size_t i = 0; i < count; i++)
        json_write_string(json, texts[i]);
    json_array_end(json);
}

void
index_json_size(JsonWriter *json, const char *key, int64_t bytes)
{
    json_key(json, key);
    if (bytes < 0)
        json_write_null(json);
    else
        json_int(json, bytes);
}
