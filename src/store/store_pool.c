// SPDX-License-Identifier: PostgreSQL
/*
 * The pool of sessions, and the lease.
 */
#include "store/store_handle_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TAKE_MS 10000
#define IDLE_MS 20000
#define AGE_MS (10 * 60000)
#define LEASE_ASK_MS 1000
#define LEASE_ANSWER_MS 5000

void
store_pool_begin(Store *store)
{
    pthread_condattr_t attributes;
    fettle_assert(store->sessions_most > 0 && store->sessions_most <= STORE_SESSIONS_MOST);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->pool_freed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&store->pool_mutex, NULL);
    pthread_mutex_init(&store->recover_mutex, NULL);
    pthread_mutex_init(&store->lease_mutex, NULL);
    pthread_mutex_init(&store->key_mutex, NULL);
}

/* With the mutex held. */
static void
pool_close_idle(Store *store)
{
    while (store->idle_count > 0)
        pg_connection_close(store->idle[--store->idle_count].connection);
}

void
store_pool_end(Store *store)
{
    pthread_mutex_lock(&store->pool_mutex);
    fettle_assert(store->taken_count == 0);
    pool_close_idle(store);
    pthread_mutex_unlock(&store->pool_mutex);
    pthread_cond_destroy(&store->pool_freed);
    pthread_mutex_destroy(&store->pool_mutex);
    pthread_mutex_destroy(&store->recover_mutex);
    pthread_mutex_destroy(&store->lease_mutex);
    pthread_mutex_destroy(&store->key_mutex);
}

/* With the mutex held: waits until one more may be taken. */
static bool
pool_wait(Store *store, Deadline deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = (long)(deadline % 1000) * 1000000};
    while (store->taken_count >= store->sessions_most) {
        if (deadline == DEADLINE_NEVER)
            pthread_cond_wait(&store->pool_freed, &store->pool_mutex);
        else if (pthread_cond_timedwait(&store->pool_freed, &store->pool_mutex, &until) != 0)
            return store->taken_count < store->sessions_most;
    }
    return true;
}

/* A session that lay idle and is as it was; false: there is none. One that the server closed says that it was
 * stopped, so the others are gone too. With the mutex held. */
static bool
pool_take_idle(Store *store, StoreSession *session)
{
    if (store->idle_count == 0)
        return false;
    IdleSession idle = store->idle[--store->idle_count];
    if (pg_connection_is_quiet(idle.connection)) {
        session->connection = idle.connection;
        session->opened_at_ms = idle.opened_at_ms;
        return true;
    }
    pg_connection_close(idle.connection);
    pool_close_idle(store);
    return false;
}

/* Takes out the sessions that nobody has wanted for a while: each costs the store's server some MB. With the
 * mutex held. */
static int
pool_take_unwanted(Store *store, PgConnection *ret_unwanted[STORE_SESSIONS_MOST])
{
    int64_t now_ms = clock_monotonic_ms();
    int count = 0;
    while (count < store->idle_count && now_ms - store->idle[count].since_ms >= IDLE_MS) {
        ret_unwanted[count] = store->idle[count].connection;
        count++;
    }
    store->idle_count -= count;
    memmove(store->idle, store->idle + count, (size_t)store->idle_count * sizeof(store->idle[0]));
    return count;
}

/* An old session is closed although it is good: its process keeps what it has learnt of every partition that
 * it ever touched. */
static void
pool_give_back(Store *store, const StoreSession *session, bool is_good)
{
    PgConnection *unwanted[STORE_SESSIONS_MOST];
    int64_t now_ms = clock_monotonic_ms();
    bool is_kept = is_good && now_ms - session->opened_at_ms < AGE_MS;
    pthread_mutex_lock(&store->pool_mutex);
    fettle_assert(store->taken_count > 0);
    store->taken_count--;
    int unwanted_count = pool_take_unwanted(store, unwanted);
    if (is_kept)
        store->idle[store->idle_count++] = (IdleSession){
            .connection = session->connection, .opened_at_ms = session->opened_at_ms, .since_ms = now_ms};
    pthread_cond_signal(&store->pool_freed);
    pthread_mutex_unlock(&store->pool_mutex);
    while (unwanted_count > 0)
        pg_connection_close(unwanted[--unwanted_count]);
    if (!is_kept)
        pg_connection_close(session->connection);
}

void
store_sessions_tidy(Store *store)
{
    PgConnection *unwanted[STORE_SESSIONS_MOST];
    pthread_mutex_lock(&store->pool_mutex);
    int count = pool_take_unwanted(store, unwanted);
    pthread_mutex_unlock(&store->pool_mutex);
    while (count > 0)
        pg_connection_close(unwanted[--count]);
}

bool
store_session_take(Store *store, Deadline deadline, StoreSession *ret_session, Error *error)
{
    if (deadline == 0)
        deadline = deadline_after_ms(TAKE_MS);
    pthread_mutex_lock(&store->pool_mutex);
    StoreSession session = {.store = store};
    bool may = pool_wait(store, deadline);
    bool is_idle = may && pool_take_idle(store, &session);
    store->taken_count += may ? 1 : 0;
    pthread_mutex_unlock(&store->pool_mutex);
    if (!may) {
        error_set(error, ERROR_TIMEOUT, "all %d sessions on the store are busy", store->sessions_most);
        return error_set_hint(error, "try again, or raise store.sessions");
    }
    session.opened_at_ms = is_idle ? session.opened_at_ms : clock_monotonic_ms();
    if (!is_idle && !store_connect(store, &session.connection, error)) {
        pool_give_back(store, &session, false);
        return false;
    }
    *ret_session = session;
    return true;
}

void
store_session_close_at(StoreSession *session)
{
    if (session->store == NULL)
        return;
    Error ignored = {0};
    PgConnection *connection = session->connection;
    bool is_good = !session->is_retired && !pg_connection_is_broken(connection);
    if (is_good && pg_connection_is_in_transaction(connection))
        is_good = pg_execute(connection, "ROLLBACK", &ignored);
    pool_give_back(session->store, session, is_good);
    *session = (StoreSession){0};
}

void
store_session_retire(StoreSession *session)
{
    session->is_retired = true;
}

static bool
lease_refused(PgConnection *session, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *holder = NULL;
    if (!store_query(session, "lease_holder", NULL, 0, &holder, error))
        return false;
    if (pg_result_rows(holder) == 0)
        error_set(error, ERROR_CONFLICT, "another server collects into this store");
    else
        error_set(error, ERROR_CONFLICT,
                  "another server collects into this store: %.200s, process %s, since %s",
                  pg_result_text(holder, 0, 0), pg_result_text(holder, 0, 1), pg_result_text(holder, 0, 2));
    return error_set_hint(error, "stop that server first, or give this one a store of its own");
}

static bool
lease_take(PgConnection *session, const char *holder, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *taken = NULL;
    if (!store_query(session, "lease_take", NULL, 0, &taken, error))
        return false;
    if (!pg_result_bool(taken, 0, 0))
        return lease_refused(session, error);
    StoreNumber process = store_number(getpid());
    return store_query(session, "lease_record", STORE_PARAMETERS(holder, process.text), NULL, error);
}

bool
store_lease_take(Store *store, const char *holder, Error *error)
{
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *session = NULL;
    if (store_lease_is_held(store))
        return true;
    if (!store_connect(store, &session, error) || !lease_take(session, holder, error))
        return false;
    pthread_mutex_lock(&store->lease_mutex);
    PgConnection *former = store->lease;
    store->lease = session;
    store->lease_believed_to = deadline_after_ms(LEASE_ASK_MS);
    pthread_mutex_unlock(&store->lease_mutex);
    session = former;
    return true;
}

/*
 * Asks the server when it has said something, else once a second: a dead network says nothing by itself. What
 * is asked is which transactions are over, which changes with each one that wrote and with no other; it reads
 * no table, so that the session stays as small as a new one.
 */
static bool
lease_ask(Store *store)
{
    Error ignored = {0};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *answer = NULL;
    PgQuery query = {.text = store_query_text("lease_ask"), .deadline = deadline_after_ms(LEASE_ANSWER_MS)};
    if (!deadline_passed(store->lease_believed_to) && pg_connection_is_quiet(store->lease))
        return true;
    store->lease_believed_to = deadline_after_ms(LEASE_ASK_MS);
    if (!pg_query(store->lease, &query, &answer, &ignored))
        return false;
    int64_t seen = pg_result_int(answer, 0, 0, 0);
    if (seen != store->lease_seen)
        store->changes++;
    store->lease_seen = seen;
    return true;
}

bool
store_lease_is_held(Store *store)
{
    pthread_mutex_lock(&store->lease_mutex);
    bool is_held = store->lease != NULL && lease_ask(store);
    if (!is_held) {
        pg_connection_close(store->lease);
        store->lease = NULL;
    }
    pthread_mutex_unlock(&store->lease_mutex);
    return is_held;
}

int64_t
store_lease_changes(Store *store)
{
    pthread_mutex_lock(&store->lease_mutex);
    if (store->lease == NULL)
        store->changes++;
    int64_t changes = store->changes;
    pthread_mutex_unlock(&store->lease_mutex);
    return changes;
}

void
store_lease_release(Store *store)
{
    Error ignored = {0};
    pthread_mutex_lock(&store->lease_mutex);
    if (store->lease != NULL && !store_query(store->lease, "lease_release", NULL, 0, NULL, &ignored))
        error_clear(&ignored);
    pg_connection_close(store->lease);
    store->lease = NULL;
    pthread_mutex_unlock(&store->lease_mutex);
}
