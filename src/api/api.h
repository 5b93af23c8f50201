// SPDX-License-Identifier: PostgreSQL
/*
 * Api: the REST API of the service: /api/v1, /health, /ready, /metrics (contract, section 3).
 *
 * What it does is in one table of routes (route.h); openapi.yaml beside it describes the same and is checked
 * against it. The server gives it what it works on and is told of changes; the API owns nothing of it.
 *
 *     ApiContext context = {.store = store, .settings = current_settings, .metrics = registry, ...};
 *     if (!api_open(&context, &api, error))
 *         return false;
 *     ...
 *     api_stop(api, deadline_after_ms(stop_timeout));
 */
#ifndef FETTLE_API_API_H
#define FETTLE_API_API_H

#include "api/metrics.h"
#include "base/settings_holder.h"
#include "store/store.h"

typedef struct ApiContext {
    Store *store;
    SettingsHolder *settings; /* each request reads those of its begin */
    void *server;             /* handed to the functions below */
    /* After a target was made, changed or removed; after a setting was set or reset. On a worker: must be
     * quick and thread-safe. NULL: nobody wants to know. */
    void (*targets_changed)(void *server);
    void (*settings_changed)(void *server);
    MetricsRegistry *metrics; /* the API adds its own; served at /metrics */
} ApiContext;

typedef struct Api Api;

/* Listens at server.listen and serves; the settings server.* are read now, the others at each use. */
bool api_open(const ApiContext *context, Api **ret_api, Error *error) FETTLE_MUST_USE;
/* Finishes what runs until the deadline, then ends; the store may be closed after. Index changes that run are
 * cancelled and cleaned up; false when that took longer than the deadline: then the store is still in use,
 * and the process should end. NULL is allowed. */
bool api_stop(Api *api, Deadline deadline);

/* Takes an index change that was recorded, to carry it out. Any thread; false: it takes none now. */
bool api_carry_out(Api *api, int64_t change_id);
/* Settings have been read again: what they allow is looked for. */
void api_settings_changed(Api *api);

int api_port(const Api *api);

/* One line a route, "GET /api/v1/targets viewer 10000 targetList": for tests and documents. */
char *api_routes_describe(Arena *arena);

#endif
