// SPDX-License-Identifier: PostgreSQL
/*
 * Opening a session: libpq's state machine under one deadline, then the session's settings in one round trip.
 */
#include "pg/connection_internal.h"

#include "pg/identifier.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define VERSION_LEAST 130000
#define CONNECT_TIMEOUT_MS 10000
#define STATEMENT_TIMEOUT_MS 30000
#define LOCK_TIMEOUT_MS 500
/* Longer than the longest statement, so that it ends only what was left behind. */
#define IDLE_SLACK_MS 60000
#define SET_UP_BYTES 65536

static void
notice_drop(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static bool
connection_start(PgConnection *connection, const char *dsn, const PgConnectOptions *options, Error *error)
{
    if (!pg_dsn_check(dsn, error))
        return false;
    pg_secrets_learn(connection, dsn);
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
    /* the only way to the SQLSTATE of a refusal, and so independent of the server's language */
    PQsetErrorVerbosity(connection->libpq, PQERRORS_VERBOSE);
    return PQstatus(connection->libpq) != CONNECTION_BAD || pg_failure_connect(connection, error);
}

/* Hosts in the connection string's list; the addresses of one name are not counted. */
static int
connection_host_count(const PgConnection *connection)
{
    int count = 1;
    PQconninfoOption *options = PQconninfo(connection->libpq);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL; option++) {
        if (option->val == NULL ||
            (strcmp(option->keyword, "host") != 0 && strcmp(option->keyword, "hostaddr") != 0))
            continue;
        int listed = 1;
        for (const char *at = strchr(option->val, ','); at != NULL; at = strchr(at + 1, ','))
            listed++;
        count = listed > count ? listed : count;
    }
    PQconninfoFree(options);
    return count;
}

/*
 * libpq goes on to the next host of a list by itself, but not from one that swallows packets: its own
 * connect_timeout belongs to the blocking calls. So each host gets its share of the time, and one that is not
 * even reached by then has its attempt shut down, which libpq takes for a refusal.
 */
static bool
connection_finish(PgConnection *connection, int64_t timeout_ms, Deadline deadline, Error *error)
{
    int64_t share_ms = timeout_ms / connection_host_count(connection);
    Deadline share = deadline_after_ms(share_ms);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED)
            return pg_failure_connect(connection, error);
        bool is_reaching = PQstatus(connection->libpq) == CONNECTION_STARTED;
        Deadline until = is_reaching ? deadline_earlier(share, deadline) : deadline;
        short ready = pg_wire_wait(connection, state == PGRES_POLLING_WRITING ? POLLOUT : POLLIN, until);
        if (ready == 0 && deadline_passed(deadline)) {
            error_set(error, ERROR_TIMEOUT, "could not connect: no answer within the time allowed");
            return error_set_hint(error, "check address and firewalls, or raise target.connect_timeout");
        }
        if (ready == 0)
            (void)shutdown(PQsocket(connection->libpq), SHUT_RDWR);
        state = PQconnectPoll(connection->libpq);
        if (PQstatus(connection->libpq) == CONNECTION_STARTED)
            share = deadline_after_ms(share_ms);
    }
    pg_secrets_learn_current(connection);
    return PQsetnonblocking(connection->libpq, 1) == 0 || pg_failure_connect(connection, error);
}

static char *
set_up_text(Arena *arena, const PgConnection *connection, const PgConnectOptions *options,
            bool with_lc_monetary)
{
    int lock_timeout_ms = options->lock_timeout_ms > 0 ? options->lock_timeout_ms : LOCK_TIMEOUT_MS;
    const char *name = options->application_name == NULL ? "fettle" : options->application_name;
    Text text = text_new(arena);
    text_append_format(&text,
                       "SET statement_timeout = %d; SET lock_timeout = %d; "
                       "SET idle_in_transaction_session_timeout = %lld; SET application_name = %s; ",
                       connection->statement_timeout_ms, lock_timeout_ms,
                       (long long)connection->statement_timeout_ms + IDLE_SLACK_MS,
                       pg_literal_quote(arena, name));
    text_append(&text, "SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; "
                       "SET bytea_output = 'hex'; SET extra_float_digits = 1; "
                       "SET standard_conforming_strings = on");
    if (with_lc_monetary)
        text_append(&text, "; SET lc_monetary = 'C'");
    if (options->purpose == PG_PURPOSE_TARGET)
        text_append(&text, "; SET default_transaction_read_only = on");
    if (options->purpose != PG_PURPOSE_OWN)
        text_append(&text, "; SET search_path = pg_catalog; SET jit = off; "
                           "SET max_parallel_workers_per_gather = 0");
    return text.data;
}

static bool
set_up_run(PgConnection *connection, const char *text, Deadline deadline, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection, .deadline = deadline};
    return pg_run_begin(&run, error) && pg_run_send_script(&run, text, error) && pg_run_read(&run, error);
}

/* By SET, since poolers drop start-up options. A server may refuse lc_monetary: the one setting to do
 * without. */
static bool
connection_set_up(PgConnection *connection, const PgConnectOptions *options, Deadline deadline, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("session", SET_UP_BYTES);
    if (options->application_name != NULL && strlen(options->application_name) > PG_IDENTIFIER_BYTES)
        return error_set(error, ERROR_USAGE, "an application name has at most %d bytes", PG_IDENTIFIER_BYTES);
    Error refused = {0};
    if (set_up_run(connection, set_up_text(arena, connection, options, true), deadline, &refused))
        return true;
    bool is_refusal = refused.sqlstate[0] != '\0' && !connection->is_broken;
    if (is_refusal && set_up_run(connection, set_up_text(arena, connection, options, false), deadline, error))
        return true;
    if (!is_refusal)
        *error = refused;
    return error_prefix(error, "could not connect: the session could not be set up");
}

static bool
connection_check_server(const PgConnection *connection, Error *error)
{
    int version = PQserverVersion(connection->libpq);
    if (version >= VERSION_LEAST)
        return true;
    if (version <= 0) {
        error_set(error, ERROR_CONNECTION, "could not connect: the server states no version");
        return error_set_hint(error, "that address answers, but not as a PostgreSQL server");
    }
    /* 9.6.24 is 90624, 12.4 is 120004 */
    int minor = version < 100000 ? version / 100 % 100 : version % 10000;
    error_set(error, ERROR_UNSUPPORTED, "the server is PostgreSQL %d.%d; Fettle needs 13 or later",
              version / 10000, minor);
    return error_set_hint(error, "upgrade the server, or use a tool of its time");
}

bool
pg_connection_open(const char *dsn, const PgConnectOptions *options, PgConnection **ret_connection,
                   Error *error)
{
    PgConnection *connection = calloc(1, sizeof(*connection));
    fettle_assert(connection != NULL);
    connection->statement_timeout_ms =
        options->statement_timeout_ms > 0 ? options->statement_timeout_ms : STATEMENT_TIMEOUT_MS;
    int64_t timeout_ms = options->connect_timeout_ms > 0 ? options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
    Deadline deadline = deadline_after_ms(timeout_ms);
    bool opened = connection_start(connection, dsn, options, error) &&
                  connection_finish(connection, timeout_ms, deadline, error) &&
                  connection_check_server(connection, error) &&
                  connection_set_up(connection, options, deadline, error);
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
    pg_secrets_forget(connection);
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

void
pg_connection_set_deadline(PgConnection *connection, Deadline deadline)
{
    connection->deadline = deadline;
}

bool
pg_connection_is_in_transaction(const PgConnection *connection)
{
    PGTransactionStatusType status = PQtransactionStatus(connection->libpq);
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool
pg_connection_is_quiet(const PgConnection *connection)
{
    struct pollfd look = {.fd = PQsocket(connection->libpq), .events = POLLIN};
    return !connection->is_broken && look.fd >= 0 && poll(&look, 1, 0) == 0;
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

int64_t
pg_connection_bytes_received(const PgConnection *connection)
{
    return connection->bytes_received;
}
