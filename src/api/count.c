// SPDX-License-Identifier: PostgreSQL
#include "api/api_internal.h"

#include <math.h>
#include <stdio.h>

static const double duration_bounds[API_DURATIONS] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5};

typedef struct RouteLabel {
    const char *operation;
    const char *method;
} RouteLabel;

static RouteLabel
label_of(size_t place)
{
    if (place == api_route_count())
        return (RouteLabel){"none", ""};
    return (RouteLabel){api_routes[place].operation, api_routes[place].method};
}

static void
figures_collect(void *context)
{
    Api *api = context;
    HttpServer *http = atomic_load(&api->http);
    if (http == NULL)
        return;
    HttpFigures figures = http_server_figures(http);
    metric_set(api->figures[0], (double)figures.connections);
    metric_set(api->figures[1], (double)figures.queued);
    metric_set(api->figures[2], (double)figures.running);
    metric_set(api->figures[3], (double)figures.body_bytes);
    metric_set(api->figures[4], (double)figures.connections_closed_slow);
}

static void
durations_new(Api *api, MetricsRegistry *registry, size_t place)
{
    RouteLabel label = label_of(place);
    for (size_t i = 0; i <= API_DURATIONS; i++) {
        char bound[32] = "+Inf";
        if (i < API_DURATIONS)
            snprintf(bound, sizeof(bound), "%g", duration_bounds[i]);
        api->counters[place].seconds[i] =
            metrics_new(registry, METRICS_HISTOGRAM_BUCKET, "fettle_http_request_seconds",
                        "time from a request's head to its reply",
                        arena_printf(api->arena, "operation=\"%s\",le=\"%s\"", label.operation, bound));
    }
    const char *labels = arena_printf(api->arena, "operation=\"%s\"", label.operation);
    api->counters[place].seconds_sum =
        metrics_new(registry, METRICS_HISTOGRAM_SUM, "fettle_http_request_seconds", "", labels);
    api->counters[place].seconds_count =
        metrics_new(registry, METRICS_HISTOGRAM_COUNT, "fettle_http_request_seconds", "", labels);
}

void
api_counters_new(Api *api)
{
    MetricsRegistry *registry = api->context.metrics;
    size_t places = api_route_count() + 1;
    api->counters = ARENA_NEW_ARRAY(api->arena, ApiRouteCounters, places);
    for (size_t place = 0; place < places; place++)
        for (int class = 0; class < 4; class ++)
            api->counters[place].answers[class] =
                metrics_new(registry, METRICS_COUNTER, "fettle_http_requests_total", "requests answered",
                            arena_printf(api->arena, "operation=\"%s\",method=\"%s\",status=\"%dxx\"",
                                         label_of(place).operation, label_of(place).method, class + 2));
    for (size_t place = 0; place < places; place++)
        durations_new(api, registry, place);
    api->rate_limited = metrics_new(registry, METRICS_COUNTER, "fettle_http_rate_limited_total",
                                    "requests refused by the rate limit", "");
    static const struct {
        const char *name;
        const char *documentation;
        MetricsKind kind;
    } figures[] = {
        {"fettle_http_connections", "open HTTP connections", METRICS_GAUGE},
        {"fettle_http_requests_queued", "requests that wait for a worker", METRICS_GAUGE},
        {"fettle_http_requests_running", "requests that a worker answers", METRICS_GAUGE},
        {"fettle_http_body_bytes", "memory of request bodies", METRICS_GAUGE},
        {"fettle_http_connections_closed_slow_total", "connections cut because they were too slow",
         METRICS_COUNTER},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(figures); i++)
        api->figures[i] =
            metrics_new(registry, figures[i].kind, figures[i].name, figures[i].documentation, "");
    metrics_collector_add(registry, figures_collect, api);
}

void
api_count(Api *api, const ApiRoute *route, const HttpRequest *request)
{
    size_t place = route == NULL ? api_route_count() : (size_t)(route - api_routes);
    ApiRouteCounters *counters = &api->counters[place];
    int class = request->reply.status / 100 - 2;
    fettle_assert(class >= 0 && class < 4);
    metric_add(counters->answers[class], 1);
    double seconds = (double)(clock_monotonic_us() - request->started_at_us) / 1e6;
    for (size_t i = 0; i < API_DURATIONS; i++)
        if (seconds <= duration_bounds[i])
            metric_add(counters->seconds[i], 1);
    metric_add(counters->seconds[API_DURATIONS], 1);
    metric_add(counters->seconds_sum, seconds);
    metric_add(counters->seconds_count, 1);
}
