// SPDX-License-Identifier: PostgreSQL
/*
 * What connection.c, failure.c, query.c and dsn.c share; for no other folder.
 */
#ifndef FETTLE_PG_CONNECTION_INTERNAL_H
#define FETTLE_PG_CONNECTION_INTERNAL_H

#include "pg/connection.h"

#include <libpq-fe.h>

struct PgConnection {
    PGconn *libpq;
    char *password; /* for cleaning messages; NULL when none is known */
    int64_t server_time_us;
    int64_t round_trips;
    int statement_timeout_ms;
    bool is_broken;
};

/* Error from a failed connection attempt; from a failed result; both without secrets. */
bool pg_failure_connect(const PgConnection *connection, Error *error);
bool pg_failure_result(PgConnection *connection, const PGresult *result, Error *error);
bool pg_failure_lost(PgConnection *connection, const char *doing, Error *error);

/* A DSN that libpq cannot read is refused without repeating any of it: it may hold a password anywhere. */
bool pg_dsn_check(const char *dsn, Error *error);

/* Waits until the socket is ready or the deadline passed (false, no error set). */
bool pg_wait(PgConnection *connection, bool for_write, Deadline deadline);

/* Cancels what runs (within 2 s) and marks the connection broken; sets ERROR_TIMEOUT. */
bool pg_timed_out(PgConnection *connection, const char *doing, Error *error);

#endif
