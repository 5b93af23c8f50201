// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_worker.h"

#include "base/log.h"
#include "base/worker_pool.h"
#include "store/index_change.h"
#include "workflow/index_auto.h"
#include "workflow/index_run.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS 4
#define CHANGES_MOST INDEX_LOCKS_MOST
#define KEEPER_SECONDS 10
/* While nothing is written to the store, and nothing was open, it is looked at this often. */
#define KEEPER_REST_MS ((int64_t)10 * 60 * 1000)
#define AUTO_MOST 2 /* rounds of targets at a time: an analysis keeps a processor busy */
#define KEEPER_ARENA_BYTES ((size_t)64 * 1024 * 1024)

struct IndexWorker {
    Store *store;
    SettingsHolder *settings;
    IndexLocks *locks; /* of what waits or runs here */
    WorkerPool *pool;
    pthread_t keeper;
    atomic_bool stop;
    atomic_bool is_wanted; /* a look, whether or not something was written */
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    int64_t active[CHANGES_MOST]; /* waiting or running here; 0: a free place; negative: a target's round */
    /* of the keeper's thread */
    char auto_failure[ERROR_MESSAGE_BYTES]; /* last told */
    int64_t rests_to_ms;                    /* when it looks at the latest */
    int64_t changes;                        /* store_lease_changes() before that */
    bool is_awaited;                        /* something was open, or could not be looked for */
};

typedef enum WorkerTaskKind {
    WORKER_RUN,
    WORKER_SETTLE,
    WORKER_AUTO,
} WorkerTaskKind;

typedef struct WorkerItem {
    IndexWorker *worker;
    int64_t change_id; /* a target's number made negative, for WORKER_AUTO */
    WorkerTaskKind kind;
    bool is_locked;
} WorkerItem;

/* With the mutex held: the place of an id, or -1. */
static int
active_place(const IndexWorker *worker, int64_t change_id)
{
    for (int i = 0; i < CHANGES_MOST; i++)
        if (worker->active[i] == change_id)
            return i;
    return -1;
}

static void
active_remove(IndexWorker *worker, int64_t change_id)
{
    pthread_mutex_lock(&worker->mutex);
    int place = active_place(worker, change_id);
    if (place >= 0)
        worker->active[place] = 0;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
}

static void
item_discard(void *argument)
{
    WorkerItem *item = argument;
    if (item->is_locked)
        index_locks_give(item->worker->locks, item->change_id);
    active_remove(item->worker, item->change_id);
    free(item);
}

/* Its turn did not come before the service ended. */
static void
item_stop(void *argument)
{
    const WorkerItem *item = argument;
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Error error = {0};
    if (item->kind == WORKER_RUN && (!store_session_take(item->worker->store, 0, &session, &error) ||
                                     !index_change_stop(session.connection, item->change_id, &error)))
        log_write(LOG_LEVEL_DEBUG, "%s", error.message);
    item_discard(argument);
}

static bool
item_work(const WorkerItem *item, const IndexManager *manager, Error *error)
{
    switch (item->kind) {
        case WORKER_RUN: return index_run(manager, item->change_id, error);
        case WORKER_SETTLE: return index_settle(manager, item->change_id, error);
        case WORKER_AUTO: break;
    }
    /* without its lock another process may be at it, too */
    return !item->is_locked || index_auto_round(manager, -item->change_id, error);
}

static void
item_run(void *argument)
{
    WorkerItem *item = argument;
    IndexWorker *worker = item->worker;
    bool is_known = false;
    {
        FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(worker->settings);
        IndexManager manager = {.store = worker->store,
                                .settings = settings_of(held),
                                .locks = worker->locks,
                                .stop = &worker->stop,
                                .is_known = &is_known};
        Error error = {0};
        bool good = item_work(item, &manager, &error);
        if (!good && error.code != ERROR_CONFLICT)
            log_write(is_known ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "%s", error.message);
    }
    item_discard(item);
}

static bool
submit(IndexWorker *worker, int64_t change_id, WorkerTaskKind kind)
{
    pthread_mutex_lock(&worker->mutex);
    int place = active_place(worker, change_id) < 0 ? active_place(worker, 0) : -1;
    if (place >= 0)
        worker->active[place] = change_id;
    pthread_mutex_unlock(&worker->mutex);
    if (place < 0)
        return false;
    /* From now on it has somebody. A store that cannot be asked now is asked again when its turn comes. */
    Error error = {0};
    bool is_locked = index_locks_take(worker->locks, change_id, &error);
    if (!is_locked && error.code == ERROR_CONFLICT) {
        active_remove(worker, change_id);
        return true;
    }
    WorkerItem *item = malloc(sizeof(*item));
    fettle_assert(item != NULL);
    *item = (WorkerItem){.worker = worker, .change_id = change_id, .kind = kind, .is_locked = is_locked};
    if (worker_pool_submit(worker->pool, item_run, item))
        return true;
    item_discard(item);
    return false;
}

bool
index_worker_submit(IndexWorker *worker, int64_t change_id)
{
    return submit(worker, change_id, WORKER_RUN);
}

/* Open changes that are worked on elsewhere are found locked, and left alone. */
static void
keeper_look(IndexWorker *worker)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("open index changes", KEEPER_ARENA_BYTES);
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    IndexChanges open;
    Error error = {0};
    if (!store_session_take(worker->store, 0, &session, &error) ||
        !index_change_list(session.connection, arena, 0, true, INDEX_CHANGES_MOST, &open, &error)) {
        log_write(LOG_LEVEL_DEBUG, "could not look for open index changes: %s", error.message);
        worker->is_awaited = true;
        return;
    }
    /* whoever works on one may die without a word */
    worker->is_awaited |= open.count > 0;
    for (size_t i = 0; i < open.count; i++)
        if (!index_change_is_fresh(&open.items[i]))
            (void)submit(worker, open.items[i].id, WORKER_SETTLE);
}

/* A setting that cannot be read is told once, not each time. */
static void
auto_failure_tell(IndexWorker *worker, const char *failure)
{
    if (failure[0] != '\0' && strcmp(failure, worker->auto_failure) != 0)
        log_write(LOG_LEVEL_WARNING, "no index is created or dropped without being asked: %s", failure);
    snprintf(worker->auto_failure, sizeof(worker->auto_failure), "%s", failure);
}

/* Rounds that may begin now: those that wait or run here count, so that the other threads are left to what
 * was approved. */
static size_t
rounds_left(IndexWorker *worker)
{
    size_t rounds = 0;
    pthread_mutex_lock(&worker->mutex);
    for (int i = 0; i < CHANGES_MOST; i++)
        rounds += worker->active[i] < 0;
    pthread_mutex_unlock(&worker->mutex);
    return rounds < AUTO_MOST ? AUTO_MOST - rounds : 0;
}

static void
keeper_look_unasked(IndexWorker *worker)
{
    size_t most = rounds_left(worker);
    worker->is_awaited |= most < AUTO_MOST;
    if (most == 0)
        return;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("unasked index changes", KEEPER_ARENA_BYTES);
    FETTLE_CLEANUP(settings_give_at) const SettingsSnapshot *held = settings_take(worker->settings);
    IndexManager manager = {.store = worker->store, .settings = settings_of(held)};
    int64_t *targets;
    size_t count;
    Error error = {0};
    if (index_auto_due(&manager, arena, most, &targets, &count, &error))
        for (size_t i = 0; i < count; i++)
            (void)submit(worker, -targets[i], WORKER_AUTO);
    int64_t wait_ms = INT64_MAX;
    if (error.code == ERROR_NONE && index_auto_wait(&manager, &wait_ms, &error) && wait_ms < KEEPER_REST_MS)
        worker->rests_to_ms = clock_monotonic_ms() + wait_ms;
    worker->is_awaited |= error.code != ERROR_NONE;
    auto_failure_tell(worker, error.message);
}

/* Both looks, unless they would find what the ones before found: they need a session, which a store with
 * nothing to do can be without. */
static void
keeper_turn(IndexWorker *worker)
{
    int64_t now_ms = clock_monotonic_ms();
    /* asked here too: whoever else asks may be held up, and then nothing would seem to be written */
    bool is_known = store_lease_is_held(worker->store);
    int64_t changes = store_lease_changes(worker->store);
    bool is_wanted = atomic_exchange(&worker->is_wanted, false);
    if (is_known && !is_wanted && !worker->is_awaited && changes == worker->changes &&
        now_ms < worker->rests_to_ms)
        return;
    worker->is_awaited = false;
    worker->changes = changes;
    worker->rests_to_ms = now_ms + KEEPER_REST_MS;
    keeper_look(worker);
    keeper_look_unasked(worker);
}

static void *
keeper_thread(void *opaque)
{
    IndexWorker *worker = opaque;
    while (!atomic_load(&worker->stop)) {
        index_locks_keep(worker->locks);
        keeper_turn(worker);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += KEEPER_SECONDS;
        pthread_mutex_lock(&worker->mutex);
        while (!atomic_load(&worker->stop) &&
               pthread_cond_timedwait(&worker->changed, &worker->mutex, &until) == 0)
            continue;
        pthread_mutex_unlock(&worker->mutex);
    }
    return NULL;
}

static void
worker_free(IndexWorker *worker)
{
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->mutex);
    index_locks_free(worker->locks);
    free(worker);
}

bool
index_worker_new(Store *store, SettingsHolder *settings, IndexWorker **ret_worker, Error *error)
{
    IndexWorker *worker = calloc(1, sizeof(*worker));
    fettle_assert(worker != NULL);
    worker->store = store;
    worker->settings = settings;
    worker->locks = index_locks_new(store);
    worker->is_awaited = true;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    WorkerPoolOptions pool = {
        .name = "index", .threads = THREADS, .queue_most = CHANGES_MOST, .discard = item_stop};
    if (!worker_pool_new(&pool, &worker->pool, error)) {
        worker_free(worker);
        return false;
    }
    int failure = pthread_create(&worker->keeper, NULL, keeper_thread, worker);
    fettle_assert(failure == 0);
    *ret_worker = worker;
    return true;
}

void
index_worker_want(IndexWorker *worker)
{
    atomic_store(&worker->is_wanted, true);
}

bool
index_worker_wait(IndexWorker *worker, int64_t change_id, Deadline deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = (long)(deadline % 1000) * 1000000};
    pthread_mutex_lock(&worker->mutex);
    int failure = 0;
    while (active_place(worker, change_id) >= 0 && failure == 0 && !atomic_load(&worker->stop))
        failure = pthread_cond_timedwait(&worker->changed, &worker->mutex, &until);
    bool is_over = active_place(worker, change_id) < 0;
    pthread_mutex_unlock(&worker->mutex);
    return is_over;
}

bool
index_worker_stop(IndexWorker *worker, Deadline deadline)
{
    if (worker == NULL)
        return true;
    pthread_mutex_lock(&worker->mutex);
    atomic_store(&worker->stop, true);
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->keeper, NULL);
    if (!worker_pool_stop(worker->pool, deadline))
        return false;
    worker_free(worker);
    return true;
}
