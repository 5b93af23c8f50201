// SPDX-License-Identifier: PostgreSQL
#include "workflow/index_lock.h"

#include "base/log.h"
#include "pg/result.h"
#include "store/index_change.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

typedef struct HeldLock {
    int64_t change_id; /* 0: a free place */
    int times;
} HeldLock;

struct IndexLocks {
    Store *store;
    pthread_mutex_t mutex; /* of what follows */
    StoreSession session;  /* taken while something is held */
    HeldLock held[INDEX_LOCKS_MOST];
};

IndexLocks *
index_locks_new(Store *store)
{
    IndexLocks *locks = calloc(1, sizeof(*locks));
    fettle_assert(locks != NULL);
    locks->store = store;
    pthread_mutex_init(&locks->mutex, NULL);
    return locks;
}

void
index_locks_free(IndexLocks *locks)
{
    if (locks == NULL)
        return;
    fettle_assert(locks->session.store == NULL);
    pthread_mutex_destroy(&locks->mutex);
    free(locks);
}

void
index_locks_free_at(IndexLocks **locks)
{
    index_locks_free(*locks);
}

/* With the mutex held, as all that follow: the place of an id, or NULL. */
static HeldLock *
held_find(IndexLocks *locks, int64_t change_id)
{
    for (size_t i = 0; i < INDEX_LOCKS_MOST; i++)
        if (locks->held[i].change_id == change_id)
            return &locks->held[i];
    return NULL;
}

static bool
is_empty(const IndexLocks *locks)
{
    for (size_t i = 0; i < INDEX_LOCKS_MOST; i++)
        if (locks->held[i].change_id != 0)
            return false;
    return true;
}

static void
session_close(IndexLocks *locks)
{
    if (locks->session.store != NULL)
        store_session_close_at(&locks->session);
    locks->session = (StoreSession){0};
}

/* A session, with the locks of all that is held; what another process took meanwhile stays its. */
static bool
session_open(IndexLocks *locks, Error *error)
{
    if (!store_session_take(locks->store, 0, &locks->session, error)) {
        locks->session = (StoreSession){0};
        return false;
    }
    for (size_t i = 0; i < INDEX_LOCKS_MOST; i++) {
        bool is_locked = true;
        if (locks->held[i].change_id == 0)
            continue;
        if (!index_change_lock(locks->session.connection, locks->held[i].change_id, &is_locked, error)) {
            session_close(locks);
            return false;
        }
        if (!is_locked)
            log_write(LOG_LEVEL_WARNING,
                      "another process took index change %" PRId64 " when the store's session was lost",
                      locks->held[i].change_id);
    }
    return true;
}

static bool
session_is_good(IndexLocks *locks, Error *error)
{
    if (locks->session.store != NULL && pg_execute(locks->session.connection, "SELECT 1", error))
        return true;
    error_clear(error);
    session_close(locks);
    return session_open(locks, error);
}

static bool
lock_new(IndexLocks *locks, int64_t change_id, Error *error)
{
    HeldLock *place = held_find(locks, 0);
    bool is_locked = false;
    if (place == NULL)
        return error_set(error, ERROR_LIMIT, "more than %d index changes at a time", INDEX_LOCKS_MOST);
    if (!session_is_good(locks, error) ||
        !index_change_lock(locks->session.connection, change_id, &is_locked, error))
        return false;
    if (!is_locked)
        return error_set(error, ERROR_CONFLICT, "another process works on index change %" PRId64, change_id);
    *place = (HeldLock){.change_id = change_id, .times = 1};
    return true;
}

bool
index_locks_take(IndexLocks *locks, int64_t change_id, Error *error)
{
    fettle_assert(change_id != 0);
    pthread_mutex_lock(&locks->mutex);
    HeldLock *held = held_find(locks, change_id);
    if (held != NULL)
        held->times++;
    bool good = held != NULL || lock_new(locks, change_id, error);
    if (is_empty(locks))
        session_close(locks);
    pthread_mutex_unlock(&locks->mutex);
    return good;
}

void
index_locks_give(IndexLocks *locks, int64_t change_id)
{
    Error ignored = {0};
    pthread_mutex_lock(&locks->mutex);
    HeldLock *held = held_find(locks, change_id);
    fettle_assert(held != NULL);
    if (--held->times == 0) {
        *held = (HeldLock){0};
        if (locks->session.store != NULL)
            (void)!index_change_unlock(locks->session.connection, change_id, &ignored);
        if (is_empty(locks))
            session_close(locks);
    }
    pthread_mutex_unlock(&locks->mutex);
}

void
index_locks_keep(IndexLocks *locks)
{
    Error error = {0};
    pthread_mutex_lock(&locks->mutex);
    if (!is_empty(locks) && !session_is_good(locks, &error))
        log_write(LOG_LEVEL_DEBUG, "could not hold the locks of index changes: %s", error.message);
    pthread_mutex_unlock(&locks->mutex);
}
