// SPDX-License-Identifier: PostgreSQL
/*
 * PgConnection: one blocking libpq session with deadlines.
 *
 * Three kinds are opened:
 *  - PG_PURPOSE_TARGET: a database that Fettle looks after. The session is read-only
 * (default_transaction_read_only), has statement_timeout, lock_timeout, idle_in_transaction_session_timeout,
 * application_name "fettle", search_path pg_catalog, and jit and parallel query off. They are set by SET
 * after the start (poolers drop start-up options), and reading is done inside
 * pg_transaction_begin_read_only().
 *  - PG_PURPOSE_CHANGE: the same database, by the one part of Fettle that changes it (src/workflow): as
 * above, but not read-only. What the role or database sets about that stays in force.
 *  - PG_PURPOSE_OWN: the private cluster or the store.
 *
 * Every call has a deadline: on its passing the query is cancelled (a bounded attempt), the connection is
 * marked broken, and the error is ERROR_TIMEOUT. A broken connection answers every later call with an error,
 * never with half a result. Nothing here blocks beyond its deadline, also when the network swallows packets.
 *
 * Errors: refused, unreachable, authentication, missing database, permission, TLS and "not PostgreSQL" each
 * get a message and a hint of their own. Passwords, also those inside a DSN or a service file, never stand in
 * a message: the text of libpq is cleaned of the password and of the DSN.
 *
 * A connection belongs to one thread at a time.
 */
#ifndef FETTLE_PG_CONNECTION_H
#define FETTLE_PG_CONNECTION_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/error.h"

typedef struct PgConnection PgConnection;

typedef enum PgPurpose { PG_PURPOSE_TARGET, PG_PURPOSE_CHANGE, PG_PURPOSE_OWN } PgPurpose;

typedef struct PgConnectOptions {
    PgPurpose purpose;
    int connect_timeout_ms;       /* 0: 10 s */
    int statement_timeout_ms;     /* 0: 30 s */
    int lock_timeout_ms;          /* 0: 500 ms */
    const char *application_name; /* NULL: "fettle" */
    const char *database;         /* overrides the DSN's dbname; NULL: as the DSN says */
    const char *user;             /* overrides the DSN's user; NULL: as the DSN says */
} PgConnectOptions;

/* dsn: URI or key=value list as libpq takes it, service files and .pgpass included; "" means all from the
 * environment. */
bool pg_connection_open(const char *dsn, const PgConnectOptions *options, PgConnection **ret_connection,
                        Error *error) FETTLE_MUST_USE;
void pg_connection_close(PgConnection *connection); /* NULL is allowed */
void pg_connection_close_at(PgConnection **connection);

int pg_connection_server_version(const PgConnection *connection); /* 150020 */
int pg_connection_server_major(const PgConnection *connection);   /* 15 */
const char *pg_connection_database(const PgConnection *connection);
const char *pg_connection_user(const PgConnection *connection);
bool pg_connection_is_broken(const PgConnection *connection);
/* True inside a transaction, also a failed one. */
bool pg_connection_is_in_transaction(const PgConnection *connection);
/* For a session that lay idle: true when the server has said nothing since, which is learnt without a round
 * trip. A server that ends a session says so; so does one whose settings changed. */
bool pg_connection_is_quiet(const PgConnection *connection);
int pg_connection_backend_pid(const PgConnection *connection);

/* Every later call ends by this time at the latest, whatever deadline of its own it has (0: no such time).
 * For work that is bounded as a whole, such as the answer to one request. */
void pg_connection_set_deadline(PgConnection *connection, Deadline deadline);

/* Time from the sending of each call so far until the last of its answer came, microseconds: what the server
 * took at most, also where it was done before anybody read; and the number of round trips. */
int64_t pg_connection_server_time_us(const PgConnection *connection);
int64_t pg_connection_round_trips(const PgConnection *connection);
/* Bytes of rows read from the server so far, as they travel. */
int64_t pg_connection_bytes_received(const PgConnection *connection);

/* The DSN for people: user, host, port, database, never a password or other secret:
 * "app@db.example:5432/shop". A DSN that does not parse gives "(unreadable connection string)". */
char *pg_dsn_describe(Arena *arena, const char *dsn);

/* A connection string taken apart: what may be shown and stored, and what must be sealed. */
typedef struct PgDsnParts {
    const char *conninfo; /* key=value form without secrets */
    const char *secrets;  /* "password='...' sslpassword='...'"; "" when it holds none */
} PgDsnParts;

/* ERROR_USAGE for what libpq cannot read or reads otherwise than it was meant, repeating nothing of it. The
 * whole string again is conninfo, a space, secrets. */
bool pg_dsn_split(Arena *arena, const char *dsn, PgDsnParts *ret_parts, Error *error) FETTLE_MUST_USE;

/* "password='...'" of a password that came by another way. */
char *pg_dsn_password_option(Arena *arena, const char *password);

/* True for text that means a DSN rather than a file: "postgres://", "postgresql://", or contains "=" as in
 * "host=db", or "service=". */
bool pg_dsn_looks_like(const char *text);

#endif
