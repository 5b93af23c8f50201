// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of the API's frame share; handlers use request.h.
 *
 *   api.c       opening, stopping, triage on the connections' thread
 *   answer.c    one request on a worker: the order of checks, the act with its audit line
 *   request.c   sessions, replies; parameter.c, field.c: what a request brings
 */
#ifndef FETTLE_API_API_INTERNAL_H
#define FETTLE_API_API_INTERNAL_H

#include "api/limit.h"
#include "api/request.h"
#include "store/sample_cache.h"
#include "workflow/index_worker.h"

#include <pthread.h>
#include <stdatomic.h>

#define API_DURATIONS 8

/* Counters of one route; status classes 2xx to 5xx, durations in ms. */
typedef struct ApiRouteCounters {
    Metric *answers[4];
    Metric *seconds[API_DURATIONS + 1]; /* cumulative buckets, the last one +Inf */
    Metric *seconds_sum;
    Metric *seconds_count;
} ApiRouteCounters;

struct Api {
    ApiContext context;
    HttpServer *_Atomic http; /* NULL until it is open */
    Auth *auth;
    Limits *limits;
    SampleCache *tops;
    IndexWorker *index_worker;
    int64_t started_at_us;
    Arena *arena;
    ApiRouteCounters *counters; /* by place in api_routes; the last: no route */
    Metric *rate_limited;
    Metric *figures[5];
    pthread_mutex_t ready_mutex; /* of the last finding of /ready */
    int64_t ready_until_ms;
    int64_t ready_size_bytes;
    int64_t ready_pauses; /* in force; negative: not known */
    int ready_version;
    char ready_part[16]; /* "" when all is well */
    char ready_reason[256];
};

/* On a worker: all checks, the handler, the audit line. */
void api_answer(void *context, HttpRequest *http);

/* The one rule by which a failure becomes a reply. */
void api_reply_failure(ApiRequest *request, const Error *error);

/* Ends the request's session: commit or roll back, and give back. */
bool api_session_end(ApiRequest *request, bool commit, Error *error) FETTLE_MUST_USE;
/* A session without a transaction. */
bool api_session_take(ApiRequest *request, PgConnection **ret_session, Error *error) FETTLE_MUST_USE;

/* Whether a target needs no token. */
bool api_is_open(const ApiRoute *path, const Settings *settings);

void api_counters_new(Api *api);
void api_count(Api *api, const ApiRoute *route, const HttpRequest *request);

#endif
