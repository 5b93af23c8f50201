// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of this folder share; for no other folder.
 *
 *   dsn.c         reading connection strings, and refusing the misread ones
 *   connection.c  opening and setting up a session
 *   wire.c        waiting on the socket within a deadline and a limit of bytes, cancelling
 *   query.c       one statement or script from sending to its rows; copy.c: rows to the server
 *   result.c      the rows
 *   failure.c     failures of libpq and of the server into our errors
 *   secret.c      what must not stand in a message
 */
#ifndef FETTLE_PG_CONNECTION_INTERNAL_H
#define FETTLE_PG_CONNECTION_INTERNAL_H

#include "pg/connection.h"
#include "pg/result.h"

#include <libpq-fe.h>

#define PG_SECRETS_MOST 12
#define PG_PREPARED_MOST 128 /* further texts are sent whole */

struct PgConnection {
    PGconn *libpq;
    char *secrets[PG_SECRETS_MOST];
    int secret_count;
    int64_t server_time_us;
    int64_t read_at_us; /* when what was sent had gone, or the last of the answer so far came; 0: never */
    int64_t round_trips;
    int64_t bytes_received;
    int64_t wire_bytes;                     /* received since the statement was sent */
    int64_t wire_bytes_most;                /* for the statement that runs; 0: any number */
    Deadline deadline;                      /* of all calls together; 0: none */
    const char *prepared[PG_PREPARED_MOST]; /* texts; the statement's name is made of its place */
    int prepared_count;
    int statement_timeout_ms;
    bool is_broken;
};

static inline void
pg_libpq_result_clear_at(PGresult **result)
{
    PQclear(*result);
}

/* A DSN that libpq cannot read, or reads otherwise than it was meant, is refused without repeating any of it:
 * it may hold a password anywhere. */
bool pg_dsn_check(const char *dsn, Error *error);
PQconninfoOption *pg_dsn_parse(const char *dsn, Error *error);

/* libpq's names of the options that are secrets; ended by NULL. */
extern const char *const pg_secret_options[];
bool pg_option_is_secret(const char *keyword);

/* Learns every password that the DSN or libpq knows; blanks them all in a text; forgets them. */
void pg_secrets_learn(PgConnection *connection, const char *dsn);
void pg_secrets_learn_current(PgConnection *connection);
void pg_secrets_hide(const PgConnection *connection, char *text);
void pg_secrets_forget(PgConnection *connection);

/* Error from a failed connection attempt; from a failed result; from a lost connection, which is marked
 * broken. All without secrets. */
bool pg_failure_connect(PgConnection *connection, Error *error);
bool pg_failure_result(PgConnection *connection, const PGresult *result, Error *error);
bool pg_failure_lost(PgConnection *connection, const char *doing, Error *error);

/* Waits for the events of poll(2) until the deadline: what is ready, 0 when it passed (also when bytes keep
 * coming). */
short pg_wire_wait(PgConnection *connection, short events, Deadline deadline);

/* Reads what has come. False with the error set when the connection is lost or the bytes are too many. */
bool pg_wire_consume(PgConnection *connection, const char *doing, Error *error);

/* Sends all that libpq has buffered. */
bool pg_wire_flush(PgConnection *connection, Deadline deadline, Error *error);

/* Asks the server to cancel what runs; true when it took the request within 2 s. */
bool pg_wire_cancel(PgConnection *connection);

/* Cancels what runs and marks the connection broken; sets ERROR_TIMEOUT. */
bool pg_wire_timed_out(PgConnection *connection, const char *doing, Error *error);

/* One statement's or script's way to its rows. */
typedef struct PgRun {
    PgConnection *connection;
    Deadline deadline;
    int64_t rows_most;
    int64_t bytes_most;
    PgResult *result; /* rows of the last statement that returns any; NULL when none did */
    bool takes_copy_out;
    bool is_in_copy; /* ended at COPY FROM STDIN, or TO STDOUT where that is taken */
} PgRun;

/* The limits and the deadline filled in where they are 0; refused on a broken connection. */
bool pg_run_begin(PgRun *run, Error *error);
bool pg_run_send_script(PgRun *run, const char *text, Error *error);
/* Reads to the end of the command; the first failure wins. */
bool pg_run_read(PgRun *run, Error *error);
void pg_run_clear_at(PgRun *run);

/* A result without rows, with the names and types of shape's columns (NULL: no columns). */
PgResult *pg_result_new(const PGresult *shape);
/* Adds all rows of a PGresult of that shape; false when the limits are reached, without error. */
bool pg_result_add_rows(PgResult *result, const PGresult *more, int64_t rows_most, int64_t bytes_most);

#endif
