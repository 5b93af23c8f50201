// SPDX-License-Identifier: PostgreSQL
/*
 * Server: `fettle serve` from start to stop.
 *
 * Start, each step undone when a later one fails: signals blocked for all threads to come; settings;
 * descriptor limit; store (migrated when private and empty); lease; settings changed through the API;
 * schedule; HTTP server; readiness told to the service manager.
 *
 * Then one loop on the main thread: SIGTERM or SIGINT stops, SIGHUP (or a setting changed through the API)
 * reads the settings again, the schedule ticks, the service manager's watchdog is fed as long as the loop and
 * the worker pools go on.
 *
 * Stop: no new requests, running ones and running rounds get server.stop_timeout, the lease and the store are
 * given back. A second SIGTERM ends the process at once; a crash at any point loses at most the rounds that
 * were not written yet, whose time the next round covers.
 */
#ifndef FETTLE_SERVER_SERVER_H
#define FETTLE_SERVER_SERVER_H

#include "base/settings.h"

typedef struct ServerOptions {
    /* The settings of file and environment, in the arena; called at start and at each reload. */
    bool (*load)(void *context, Arena *arena, Settings **ret_settings, Error *error);
    /* The settings of the command line, put over all others. */
    bool (*override)(void *context, Settings *settings, Error *error);
    void *context;
} ServerOptions;

/* Returns when it was stopped by a signal. */
bool server_run(const ServerOptions *options, Error *error) FETTLE_MUST_USE;

#endif
