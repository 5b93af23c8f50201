// SPDX-License-Identifier: PostgreSQL
/*
 * The Store itself; for store*.c and seal.c only.
 */
#ifndef FETTLE_STORE_STORE_PRIVATE_H
#define FETTLE_STORE_STORE_PRIVATE_H

#include "store/seal.h"
#include "store/store_internal.h"

#include <pthread.h>

#define STORE_SESSIONS_MOST 200

/* A session that nobody uses. */
typedef struct IdleSession {
    PgConnection *connection;
    int64_t opened_at_ms;
    int64_t since_ms;
} IdleSession;

struct Store {
    Arena *arena;
    const Settings *settings;
    StoreAccess access;
    bool is_private;
    const char *data_directory;
    Cluster *cluster; /* NULL: foreign, or run by another process */
    int users_lock;   /* descriptor that says we joined; -1 none */
    int alone_lock;   /* while the store is made: that nobody has; -1 none */
    const char *dsn;
    const char *description;

    pthread_mutex_t pool_mutex; /* for what follows */
    pthread_cond_t pool_freed;
    IdleSession idle[STORE_SESSIONS_MOST]; /* the last one was used last */
    int idle_count;
    int taken_count;
    int sessions_most;

    pthread_mutex_t recover_mutex;

    pthread_mutex_t lease_mutex; /* for what follows */
    PgConnection *lease;         /* NULL: not held */
    Deadline lease_believed_to;  /* no need to ask before */
    int64_t lease_seen;          /* what it was told last of the transactions that are over */
    int64_t changes;             /* how often that was another thing than before */

    pthread_mutex_t key_mutex; /* for what follows */
    SealKey *key;              /* NULL: not read yet */
};

/* A new session that is in no pool. */
bool store_connect(Store *store, PgConnection **ret_connection, Error *error) FETTLE_MUST_USE;

void store_pool_begin(Store *store);
void store_pool_end(Store *store);
void store_key_forget(Store *store);

#endif
