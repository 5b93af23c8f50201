// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_watch_internal.h"

#include "pg/result.h"
#include "store/index_change.h"
#include "workflow/workflow_internal.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS 1000
#define LOOK_ARENA_BYTES ((size_t)1024 * 1024)

struct IndexWatch {
    const IndexManager *manager;
    const IndexWatched *watched;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    bool is_over;
    bool has_cancelled;
};

bool
index_watch_look(const IndexManager *manager, PgConnection *connection, const IndexWatched *watched,
                 bool *ret_wants_cancel, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index progress", LOOK_ARENA_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    const char *parameters[] = {arena_printf(arena, "%" PRId64, watched->backend_pid)};
    if (!workflow_query(connection, "index_progress", parameters, 1, &rows, error))
        return false;
    const char *progress = pg_result_rows(rows) == 0 ? NULL : pg_result_text(rows, 0, 0);
    if (progress != NULL && manager->progress != NULL)
        manager->progress(manager->context, pg_result_text(rows, 0, 1), pg_result_int(rows, 0, 2, 0),
                          pg_result_int(rows, 0, 3, 0));
    return store_session_take(manager->store, 0, &session, error) &&
           index_change_progress(session.connection, watched->change_id, progress, ret_wants_cancel, error);
}

bool
index_watch_cancel(PgConnection *connection, const IndexWatched *watched, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index cancel", 65536);
    const char *parameters[] = {arena_printf(arena, "%" PRId64, watched->backend_pid),
                                index_session_name(arena, watched->change_id)};
    return workflow_query(connection, "index_cancel", parameters, 2, NULL, error);
}

/* True when the watch is over. */
static bool
watch_wait(IndexWatch *watch)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LOOK_MS / 1000;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_over && pthread_cond_timedwait(&watch->ended, &watch->mutex, &until) == 0)
        continue;
    bool is_over = watch->is_over;
    pthread_mutex_unlock(&watch->mutex);
    return is_over;
}

/* Failures of a look are those of a moment: the statement itself goes on, and the next look may succeed. */
static void
watch_step(IndexWatch *watch, Arena *arena, PgConnection **connection)
{
    const IndexManager *manager = watch->manager;
    bool wants_cancel = false;
    Error error = {0};
    if (*connection != NULL && pg_connection_is_broken(*connection))
        pg_connection_close_at(connection);
    if (*connection == NULL && !index_session_read(manager, arena, watch->watched->target_id,
                                                   watch->watched->database, connection, &error))
        return;
    (void)!index_watch_look(manager, *connection, watch->watched, &wants_cancel, &error);
    if (!wants_cancel && (manager->stop == NULL || !atomic_load(manager->stop)))
        return;
    if (!index_watch_cancel(*connection, watch->watched, &error))
        return;
    pthread_mutex_lock(&watch->mutex);
    watch->has_cancelled = true;
    pthread_mutex_unlock(&watch->mutex);
}

static void *
watch_thread(void *opaque)
{
    IndexWatch *watch = opaque;
    PgConnection *connection = NULL;
    while (!watch_wait(watch)) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("index watch", LOOK_ARENA_BYTES);
        watch_step(watch, arena, &connection);
    }
    pg_connection_close(connection);
    return NULL;
}

IndexWatch *
index_watch_begin(const IndexManager *manager, const IndexWatched *watched)
{
    IndexWatch *watch = calloc(1, sizeof(*watch));
    fettle_assert(watch != NULL);
    watch->manager = manager;
    watch->watched = watched;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->ended, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&watch->mutex, NULL);
    int failure = pthread_create(&watch->thread, NULL, watch_thread, watch);
    fettle_assert(failure == 0);
    return watch;
}

bool
index_watch_end(IndexWatch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->is_over = true;
    pthread_cond_signal(&watch->ended);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    bool has_cancelled = watch->has_cancelled;
    pthread_cond_destroy(&watch->ended);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
    return has_cancelled;
}
