// SPDX-License-Identifier: PostgreSQL
/*
 * IndexWatch: a second look at a statement that may run for hours: a thread with a session of its own writes
 * the server's progress into the change's row once a second, and cancels the statement when someone asks for
 * that, through the store or by manager->stop.
 *
 * Only index_run.c uses it. index_watch_begin() before the statement is sent, index_watch_end() when it is
 * over: after that nothing is cancelled any more.
 */
#ifndef FETTLE_WORKFLOW_INDEX_WATCH_INTERNAL_H
#define FETTLE_WORKFLOW_INDEX_WATCH_INTERNAL_H

#include "workflow/index_session.h"

typedef struct IndexWatch IndexWatch;

typedef struct IndexWatched {
    int64_t change_id;
    int64_t target_id;
    const char *database;
    int64_t backend_pid;
} IndexWatched;

IndexWatch *index_watch_begin(const IndexManager *manager, const IndexWatched *watched);
/* True when it was asked to cancel. Frees the watch. */
bool index_watch_end(IndexWatch *watch);

/* One look: the progress is written; *ret_wants_cancel. Cancels nothing. */
bool index_watch_look(const IndexManager *manager, PgConnection *connection, const IndexWatched *watched,
                      bool *ret_wants_cancel, Error *error) FETTLE_MUST_USE;
/* Asks the server to end what the backend does, if it is still the change's. */
bool index_watch_cancel(PgConnection *connection, const IndexWatched *watched, Error *error) FETTLE_MUST_USE;

#endif
