// SPDX-License-Identifier: PostgreSQL
/*
 * Store: what the service remembers, in schema "fettle" of one PostgreSQL database.
 *
 * By default the database is in a private cluster of its own (cluster.h, purpose CLUSTER_STORE: durable,
 * apart from the twins, whose hostile definitions must not be able to stop it); with store.url it is any
 * server of PostgreSQL 13 or later. All SQL of the schema is in migrations/ and queries/, one dialect for
 * both.
 *
 * A Store hands out sessions from a bounded pool: take one, use it on one thread, give it back. A session
 * that broke is closed when it is given back; the next take opens a new one, so a restarted store is met by
 * an error once and then works. Nothing else of a Store is shared, so any thread may call it.
 *
 * Entities have a file each (target.h, user.h, token.h, audit.h, job.h, setting_row.h, statement.h, sample.h,
 * sample_read.h, observation.h): plain structs in the caller's arena and functions over a session.
 *
 *     FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
 *     if (!store_session_take(store, &session, error))
 *         return false;
 *     ... target_list(session.connection, arena, ...)
 */
#ifndef FETTLE_STORE_STORE_H
#define FETTLE_STORE_STORE_H

#include "base/settings.h"
#include "pg/connection.h"

typedef struct Store Store;

typedef enum StoreAccess {
    /* Starts the private cluster if need be and holds it: the server, or a verb when no server runs. */
    STORE_ACCESS_ANY,
    /* As ANY, but a private cluster that another process holds is an error: for the server itself. */
    STORE_ACCESS_HOLD,
} StoreAccess;

typedef struct StoreOptions {
    const Settings *settings; /* store.*, data.directory, cluster.binaries; must outlive the store */
    StoreAccess access;
    bool without_migration_check; /* for "fettle store status|migrate|restore" */
} StoreOptions;

/* Opens the store and checks that its schema is this program's: an older one is ERROR_CONFLICT with the hint
 * to run "fettle store migrate" (an empty private one is migrated at once), a newer one ERROR_UNSUPPORTED.
 *
 * A private cluster that another Fettle process runs is joined (ANY): a verb beside the server, or beside
 * another verb, which then waits with stopping it. */
bool store_open(const StoreOptions *options, Store **ret_store, Error *error) FETTLE_MUST_USE;
void store_close(Store *store); /* NULL is allowed; every session must have been given back */
void store_close_at(Store **store);

/* For people: "private cluster in /var/lib/fettle/store-15", or the described connection string. */
const char *store_describe(const Store *store);
/* False for a store on a foreign server. */
bool store_is_private(const Store *store);

/* Starts the private cluster again when its postmaster died; success when there is nothing to do. */
bool store_recover(Store *store, Error *error) FETTLE_MUST_USE;

typedef struct StoreSession {
    Store *store;
    PgConnection *connection;
    int64_t opened_at_ms;
    bool is_retired;
} StoreSession;

/* A session; waits up to the deadline (0: 10 s) for a free one, else ERROR_TIMEOUT. */
bool store_session_take(Store *store, Deadline deadline, StoreSession *ret_session, Error *error)
    FETTLE_MUST_USE;
/* Gives it back; an open transaction is rolled back. */
void store_session_close_at(StoreSession *session);
/* Giving it back will close it: for work that touches many tables, of which its process keeps some MB. */
void store_session_retire(StoreSession *session);

/* Closes those that nobody has wanted for 20 s; done also whenever one is given back. For whoever runs for
 * long. */
void store_sessions_tidy(Store *store);

/* The right to be the one server that collects into this store, held as an advisory lock by a session of its
 * own. ERROR_CONFLICT names the server that holds it. store_lease_is_held() is false once the session broke:
 * then collecting must stop until it is taken again. */
bool store_lease_take(Store *store, const char *holder, Error *error) FETTLE_MUST_USE;
bool store_lease_is_held(Store *store);
void store_lease_release(Store *store);
/* Another number than before: something may have been written to the store's server meanwhile, by anyone. The
 * same number: nothing had been, when the lease was last asked about (each second, by
 * store_lease_is_held()). So what only a write can bring about need not be looked for. Who does not hold the
 * lease knows nothing, and gets another number each time. */
int64_t store_lease_changes(Store *store);

#endif
