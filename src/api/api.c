// SPDX-License-Identifier: PostgreSQL
#include "api/api_internal.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define API_ARENA_BYTES ((size_t)1024 * 1024)
#define API_LIMIT_MS 10000 /* of what has no route */

bool
api_is_open(const ApiRoute *path, const Settings *settings)
{
    if (path == NULL || path->role != ROLE_NONE)
        return false;
    bool is_metrics = strcmp(path->operation, "metrics") == 0 || strcmp(path->operation, "rootMetrics") == 0;
    return !is_metrics || !settings_get_bool(settings, SETTING_METRICS_REQUIRE_TOKEN);
}

/* Who pays for the request: the token when it is known to hold, else the address (an IPv6 one by its first
 * 64 bits, which one machine has all of). */
static const char *
payer_of(ApiRequest *request)
{
    if (request->caller.role != ROLE_NONE)
        return arena_printf(request->arena, "token:%lld", (long long)request->caller.token_id);
    const char *address = request->http->address;
    size_t length = strlen(address);
    int colons = 0;
    for (size_t i = 0; i < length; i++) {
        colons += address[i] == ':';
        if (colons == 4) {
            length = i;
            break;
        }
    }
    return arena_printf(request->arena, "address:%.*s", (int)length, address);
}

static bool
triage_rate(ApiRequest *request)
{
    double per_second = settings_get_double(request->settings, SETTING_API_REQUESTS_PER_SECOND);
    int seconds = 1;
    if (limits_take_request(request->api->limits, payer_of(request), per_second, &seconds))
        return true;
    metric_add(request->api->rate_limited, 1);
    request->http->reply.retry_after_seconds = seconds;
    return api_refuse(request, 429, "rate_limited", "too many requests");
}

/* On the connections' thread. */
static void
api_triage(void *context, HttpRequest *http)
{
    Api *api = context;
    ApiRequest *request = ARENA_NEW(http->arena, ApiRequest);
    http->context = request;
    request->api = api;
    request->http = http;
    request->arena = http->arena;
    request->held = settings_take(api->context.settings);
    request->settings = settings_of(request->held);
    uri_parse(http->arena, http->target, http->target_length, &request->uri);
    const ApiRoute *path = route_find_path(&request->uri);
    const ApiRoute *route = path == NULL ? NULL : route_find_method(path, http->method);
    const char *token = auth_bearer(http->arena, http->authorization);
    if (token != NULL)
        (void)auth_find(api->auth, token, &request->caller);
    if (!triage_rate(request))
        return;
    if (token == NULL && !api_is_open(path, request->settings)) {
        api_refuse(request, 401, "unauthorized", "Authentication required");
        return;
    }
    if (route != NULL && route->is_immediate) {
        Error error = {0};
        request->route = route;
        if (!route->handle(request, &error))
            api_reply_failure(request, &error);
        return;
    }
    http->lane = route == NULL ? HTTP_LANE_QUICK : route->lane;
    http->deadline = deadline_after_ms(route == NULL ? API_LIMIT_MS : route->limit_ms);
    http->takes_body = route != NULL && route->body != API_BODY_NONE;
}

static void
api_answered(void *context, const HttpRequest *http)
{
    const ApiRequest *request = http->context;
    const ApiRoute *route = request == NULL ? NULL : request->route;
    api_count(context, route, http);
    log_write(LOG_LEVEL_DEBUG, "request %s: %s %s %d in %.1f ms for %s", http->request_id, http->method,
              route == NULL ? "-" : route->path, http->reply.status,
              (double)(clock_monotonic_us() - http->started_at_us) / 1000, http->address);
}

static void
api_ended(void *context, HttpRequest *http)
{
    (void)context;
    ApiRequest *request = http->context;
    settings_give(request->held);
}

static void
api_free(Api *api)
{
    metrics_collector_remove(api->context.metrics, api);
    auth_free(api->auth);
    limits_free(api->limits);
    sample_cache_free(api->tops);
    pthread_mutex_destroy(&api->ready_mutex);
    arena_free(api->arena);
    free(api);
}

bool
api_open(const ApiContext *context, Api **ret_api, Error *error)
{
    fettle_assert(context->store != NULL && context->settings != NULL && context->metrics != NULL);
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(context->settings);
    const Settings *settings = settings_of(held);
    Api *api = calloc(1, sizeof(*api));
    if (api == NULL)
        return error_set(error, ERROR_SYSTEM, "out of memory");
    api->context = *context;
    api->arena = arena_new("api", API_ARENA_BYTES);
    api->auth = auth_new();
    api->limits = limits_new();
    api->tops = sample_cache_new();
    api->started_at_us = clock_monotonic_us();
    pthread_mutex_init(&api->ready_mutex, NULL);
    api_counters_new(api);
    HttpOptions options = {.service = {.context = api,
                                       .triage = api_triage,
                                       .answer = api_answer,
                                       .answered = api_answered,
                                       .ended = api_ended},
                           .listen = settings_get_text(settings, SETTING_SERVER_LISTEN),
                           .tls_certificate = settings_get_text(settings, SETTING_SERVER_TLS_CERTIFICATE),
                           .tls_key = settings_get_text(settings, SETTING_SERVER_TLS_KEY),
                           .workers = (int)settings_get_int(settings, SETTING_SERVER_WORKERS),
                           .connections_most = (int)settings_get_int(settings, SETTING_SERVER_CONNECTIONS),
                           .idle_timeout_ms = settings_get_int(settings, SETTING_SERVER_IDLE_TIMEOUT)};
    HttpServer *http;
    if (!index_worker_new(context->store, context->settings, &api->index_worker, error)) {
        api_free(api);
        return false;
    }
    if (!http_server_open(&options, &http, error)) {
        if (index_worker_stop(api->index_worker, DEADLINE_NEVER))
            api_free(api);
        return false;
    }
    atomic_store(&api->http, http);
    *ret_api = api;
    return true;
}

bool
api_stop(Api *api, Deadline deadline)
{
    if (api == NULL)
        return true;
    http_server_stop(atomic_load(&api->http), deadline);
    if (!index_worker_stop(api->index_worker, deadline))
        return false;
    api_free(api);
    return true;
}

bool
api_carry_out(Api *api, int64_t change_id)
{
    return index_worker_submit(api->index_worker, change_id);
}

void
api_settings_changed(Api *api)
{
    index_worker_want(api->index_worker);
}

int
api_port(const Api *api)
{
    return http_server_port(atomic_load(&api->http));
}

char *
api_routes_describe(Arena *arena)
{
    Text text = text_new(arena);
    for (const ApiRoute *route = api_routes; route->method != NULL; route++)
        text_append_format(&text, "%s %s %s %d %s %s\n", route->method, route->path,
                           route->role == ROLE_NONE ? "-" : role_word(route->role), route->limit_ms,
                           route->operation, route->action == NULL ? "-" : route->action);
    return text.data;
}
