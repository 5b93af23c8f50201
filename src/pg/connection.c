// SPDX-License-Identifier: PostgreSQL
#include "pg/connection_internal.h"

#include "pg/identifier.h"
#include "pg/result.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_LEAST 130000
#define CANCEL_WAIT_MS 2000

static void
notice_drop(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

bool
pg_wait(PgConnection *connection, bool for_write, Deadline deadline)
{
    int64_t start_us = clock_monotonic_us();
    struct pollfd wait = {.fd = PQsocket(connection->libpq), .events = for_write ? POLLOUT : POLLIN};
    int ready;
    do
        ready = poll(&wait, 1, deadline_left_ms(deadline));
    while (ready < 0 && errno == EINTR);
    connection->server_time_us += clock_monotonic_us() - start_us;
    return ready != 0;
}

static void *
cancel_thread(void *context)
{
    char ignored[256];
    PGcancel *cancel = context;
    (void)PQcancel(cancel, ignored, sizeof(ignored));
    PQfreeCancel(cancel);
    return NULL;
}

bool
pg_timed_out(PgConnection *connection, const char *doing, Error *error)
{
    connection->is_broken = true;
    PGcancel *cancel = PQgetCancel(connection->libpq);
    pthread_t thread;
    /* PQcancel() blocks on a dead network; a detached thread may outlive us by the system's own connect
     * timeout. */
    if (cancel != NULL && pthread_create(&thread, NULL, cancel_thread, cancel) == 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += CANCEL_WAIT_MS / 1000;
        if (pthread_timedjoin_np(thread, NULL, &until) != 0)
            pthread_detach(thread);
    } else {
        PQfreeCancel(cancel);
    }
    error_set(error, ERROR_TIMEOUT, "%s: no answer within the deadline", doing);
    return error_set_hint(error, "the server or the network is stalled; the query was cancelled");
}

static bool
connection_start(PgConnection *connection, const char *dsn, const PgConnectOptions *options, Error *error)
{
    if (!pg_dsn_check(dsn, error))
        return false;
    const char *keywords[8];
    const char *values[8];
    int count = 0;
    keywords[count] = "dbname";
    values[count++] = dsn;
    if (options->database != NULL) {
        keywords[count] = "dbname";
        values[count++] = options->database;
    }
    if (options->user != NULL) {
        keywords[count] = "user";
        values[count++] = options->user;
    }
    keywords[count] = "client_encoding";
    values[count++] = "UTF8";
    keywords[count] = "fallback_application_name";
    values[count++] = "fettle";
    keywords[count] = NULL;
    values[count] = NULL;
    connection->libpq = PQconnectStartParams(keywords, values, 1);
    if (connection->libpq == NULL)
        return error_set(error, ERROR_SYSTEM, "could not connect: out of memory");
    PQsetNoticeReceiver(connection->libpq, notice_drop, NULL);
    const char *password = PQpass(connection->libpq);
    if (password != NULL && password[0] != '\0')
        connection->password = strdup(password);
    return PQstatus(connection->libpq) != CONNECTION_BAD || pg_failure_connect(connection, error);
}

static bool
connection_finish(PgConnection *connection, Deadline deadline, Error *error)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED)
            return pg_failure_connect(connection, error);
        if (!pg_wait(connection, state == PGRES_POLLING_WRITING, deadline)) {
            error_set(error, ERROR_TIMEOUT, "could not connect: no answer within the time allowed");
            return error_set_hint(error, "check address and firewalls, or raise target.connect_timeout");
        }
        state = PQconnectPoll(connection->libpq);
    }
    return PQsetnonblocking(connection->libpq, 1) == 0 || pg_failure_connect(connection, error);
}

/* The session's settings, in one round trip. By SET, since poolers drop start-up options. */
static bool
connection_set_up(PgConnection *connection, const PgConnectOptions *options, Error *error)
{
    bool is_target = options->purpose == PG_PURPOSE_TARGET;
    int lock_timeout_ms = options->lock_timeout_ms > 0 ? options->lock_timeout_ms : 500;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("session", 65536);
    const char *name = options->application_name == NULL ? "fettle" : options->application_name;
    const char *text = arena_printf(
        arena,
        "SET statement_timeout = %d; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d; "
        "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET bytea_output = "
        "'hex'; "
        "SET extra_float_digits = 1; SET lc_monetary = 'C'; SET standard_conforming_strings = on; "
        "SET application_name = %s",
        connection->statement_timeout_ms, lock_timeout_ms, connection->statement_timeout_ms + 60000,
        pg_literal_quote(arena, name));
    if (!pg_execute_script(connection, text, NULL, error))
        return false;
    return !is_target ||
           pg_execute_script(connection,
                             "SET default_transaction_read_only = on; SET search_path = pg_catalog; "
                             "SET jit = off; SET max_parallel_workers_per_gather = 0",
                             NULL, error);
}

static bool
connection_check_server(const PgConnection *connection, Error *error)
{
    int version = PQserverVersion(connection->libpq);
    if (version >= VERSION_LEAST)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the server is PostgreSQL %d.%d; Fettle needs 13 or later",
              version / 10000, version / 100 % 100);
    return error_set_hint(error, "upgrade the server, or use a tool of its time");
}

bool
pg_connection_open(const char *dsn, const PgConnectOptions *options, PgConnection **ret_connection,
                   Error *error)
{
    PgConnection *connection = calloc(1, sizeof(*connection));
    fettle_assert(connection != NULL);
    connection->statement_timeout_ms =
        options->statement_timeout_ms > 0 ? options->statement_timeout_ms : 30000;
    Deadline deadline =
        deadline_after_ms(options->connect_timeout_ms > 0 ? options->connect_timeout_ms : 10000);
    bool opened = connection_start(connection, dsn, options, error) &&
                  connection_finish(connection, deadline, error) &&
                  connection_check_server(connection, error) && connection_set_up(connection, options, error);
    if (!opened) {
        pg_connection_close(connection);
        return false;
    }
    *ret_connection = connection;
    return true;
}

void
pg_connection_close(PgConnection *connection)
{
    if (connection == NULL)
        return;
    PQfinish(connection->libpq);
    if (connection->password != NULL)
        explicit_bzero(connection->password, strlen(connection->password));
    free(connection->password);
    free(connection);
}

void
pg_connection_close_at(PgConnection **connection)
{
    pg_connection_close(*connection);
    *connection = NULL;
}

int
pg_connection_server_version(const PgConnection *connection)
{
    return PQserverVersion(connection->libpq);
}

int
pg_connection_server_major(const PgConnection *connection)
{
    return PQserverVersion(connection->libpq) / 10000;
}

const char *
pg_connection_database(const PgConnection *connection)
{
    return PQdb(connection->libpq);
}

const char *
pg_connection_user(const PgConnection *connection)
{
    return PQuser(connection->libpq);
}

bool
pg_connection_is_broken(const PgConnection *connection)
{
    return connection->is_broken;
}

int
pg_connection_backend_pid(const PgConnection *connection)
{
    return PQbackendPID(connection->libpq);
}

int64_t
pg_connection_server_time_us(const PgConnection *connection)
{
    return connection->server_time_us;
}

int64_t
pg_connection_round_trips(const PgConnection *connection)
{
    return connection->round_trips;
}
