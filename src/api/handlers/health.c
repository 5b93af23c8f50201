// SPDX-License-Identifier: PostgreSQL
#include "api/api_internal.h"
#include "api/handlers/handlers.h"

#include "store/migrate.h"
#include "store/pause.h"

#include <stdio.h>
#include <string.h>

#define READY_KEPT_MS 2000
#define READY_WAIT_MS 3000

extern const char openapi_text[];
extern const size_t openapi_text_bytes;

bool
handle_health_get(ApiRequest *request, Error *error)
{
    (void)error;
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "status", "healthy");
    json_key_string(json, "service", "fettle");
    json_key_string(json, "version", FETTLE_VERSION);
    json_key_int(json, "uptime_seconds", (clock_monotonic_us() - request->api->started_at_us) / 1000000);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}

/* Looks at the store; the part that fails and why, "" when none does. */
static void
ready_look(ApiRequest *request, Api *api)
{
    Error error = {0};
    PgConnection *session;
    MigrationStatus status = {0};
    Deadline before = request->http->deadline;
    request->http->deadline = deadline_earlier(before, deadline_after_ms(READY_WAIT_MS));
    bool is_read = api_session_take(request, &session, &error);
    if (is_read) {
        pg_connection_set_deadline(session, request->http->deadline);
        is_read = migration_status_read(session, &status, &error);
    }
    request->http->deadline = before;
    const char *part = !is_read ? "store" : "";
    const char *reason = !is_read ? "the store does not answer" : "";
    if (is_read && (status.version != status.version_known || status.changed != NULL)) {
        part = "schema";
        reason = status.version < status.version_known   ? "the store's schema is older than this program"
                 : status.version > status.version_known ? "the store's schema is newer than this program"
                                                         : "a migration of the store was changed";
    }
    snprintf(api->ready_part, sizeof(api->ready_part), "%s", part);
    snprintf(api->ready_reason, sizeof(api->ready_reason), "%s", reason);
    Pauses pauses = {0};
    bool has_pauses = is_read && part[0] == '\0' && pause_list(session, request->arena, &pauses, &error);
    api->ready_version = status.version;
    api->ready_pauses = has_pauses ? (int64_t)pauses.count : -1;
    api->ready_size_bytes = is_read ? status.size_bytes : -1;
    api->ready_until_ms = clock_monotonic_ms() + READY_KEPT_MS;
}

/* One look serves all who ask within READY_KEPT_MS: the question is open to everybody. */
static void
ready_find(ApiRequest *request, char ret_part[16], char ret_reason[256], int64_t *ret_size_bytes,
           int64_t *ret_pauses)
{
    Api *api = request->api;
    pthread_mutex_lock(&api->ready_mutex);
    if (clock_monotonic_ms() >= api->ready_until_ms)
        ready_look(request, api);
    memcpy(ret_part, api->ready_part, sizeof(api->ready_part));
    memcpy(ret_reason, api->ready_reason, sizeof(api->ready_reason));
    *ret_size_bytes = api->ready_size_bytes;
    *ret_pauses = api->ready_pauses;
    pthread_mutex_unlock(&api->ready_mutex);
}

bool
handle_ready_get(ApiRequest *request, Error *error)
{
    (void)error;
    char part[16];
    char reason[256];
    int64_t size_bytes;
    int64_t pauses; /* -1: not known */
    ready_find(request, part, reason, &size_bytes, &pauses);
    if (part[0] != '\0') {
        http_reply_error(request->http, 503, "unavailable", reason,
                         arena_printf(request->arena, "{\"part\":\"%s\"}", part));
        return false;
    }
    JsonWriter *json = api_json(request);
    json_object_begin(json);
    json_key_string(json, "status", "ready");
    json_key_int(json, "schema_version", request->api->ready_version);
    json_key_int(json, "store_bytes", size_bytes);
    json_key(json, "changes_paused");
    if (pauses < 0)
        json_write_null(json); /* the store did not say */
    else
        json_bool(json, pauses > 0);
    api_json_now(json, "timestamp");
    json_object_end(json);
    return api_reply(request, 200);
}

bool
handle_metrics_get(ApiRequest *request, Error *error)
{
    (void)error;
    char part[16];
    char reason[256];
    int64_t size_bytes;
    int64_t pauses; /* -1: not known */
    ready_find(request, part, reason, &size_bytes, &pauses);
    Text text = text_new(request->arena);
    metrics_write(request->api->context.metrics, &text);
    text_append_format(&text,
                       "# HELP fettle_store_up 1 when the store answers\n# TYPE fettle_store_up gauge\n"
                       "fettle_store_up %d\n",
                       strcmp(part, "store") != 0);
    if (size_bytes >= 0)
        text_append_format(&text,
                           "# HELP fettle_store_bytes size of the store\n# TYPE fettle_store_bytes gauge\n"
                           "fettle_store_bytes %lld\n",
                           (long long)size_bytes);
    if (pauses >= 0)
        text_append_format(&text,
                           "# HELP fettle_changes_paused pauses of changes in force: of all targets, or of "
                           "one\n# TYPE fettle_changes_paused gauge\nfettle_changes_paused %lld\n",
                           (long long)pauses);
    request->http->reply = (HttpReply){.status = 200,
                                       .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .body = text.data,
                                       .length = text.length};
    return true;
}

bool
handle_openapi_get(ApiRequest *request, Error *error)
{
    (void)error;
    request->http->reply = (HttpReply){.status = 200,
                                       .content_type = "application/yaml; charset=utf-8",
                                       .body = openapi_text,
                                       .length = openapi_text_bytes};
    return true;
}
