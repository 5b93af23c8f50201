// SPDX-License-Identifier: PostgreSQL
/*
 * From libpq's and the server's failures to our errors: what could not be done, and what to do.
 */
#include "pg/connection_internal.h"

#include "base/text.h"
#include "pg/identifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURE_TEXT_BYTES 800
#define FAILURE_RAW_BYTES 65536

typedef struct FailureText {
    char text[FAILURE_TEXT_BYTES]; /* one line of valid UTF-8, no control characters, no secrets, no full stop
                                    */
    char sqlstate[6];              /* or "" */
} FailureText;

/* Takes "28P01: " out of "FATAL:  28P01: password authentication failed". */
static void
failure_take_sqlstate(char *line, FailureText *failure)
{
    for (char *at = strstr(line, ":  "); at != NULL; at = strstr(at + 1, ":  ")) {
        char *code = at + strlen(":  ");
        if (strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || !text_starts_with(code + 5, ": "))
            continue;
        snprintf(failure->sqlstate, sizeof(failure->sqlstate), "%.5s", code);
        memmove(code, code + 7, strlen(code + 7) + 1);
    }
}

/* Adds text as one line, cut at the limit; what could steer a terminal or is no UTF-8 becomes "?". */
static void
failure_add(FailureText *failure, const char *text)
{
    bool is_utf8 = text_is_valid_utf8(text, strlen(text));
    size_t used = strlen(failure->text);
    bool space = false;
    for (const char *at = text; *at != '\0' && used < FAILURE_TEXT_BYTES - 2; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
            space = used > 0;
            continue;
        }
        if (space)
            failure->text[used++] = ' ';
        space = false;
        failure->text[used++] = byte < ' ' || byte == 0x7F || (byte >= 0x80 && !is_utf8) ? '?' : *at;
    }
    /* a character cut at the limit */
    while (used > 0 && used >= FAILURE_TEXT_BYTES - 2 && ((unsigned char)failure->text[used - 1] & 0x80) != 0)
        used--;
    if (used > 0 && failure->text[used - 1] == '.')
        used--;
    failure->text[used] = '\0';
}

static void
failure_drop_severity(FailureText *failure)
{
    static const char *const severities[] = {"ERROR: ", "FATAL: ", "PANIC: "};
    for (size_t i = 0; i < FETTLE_COUNT_OF(severities); i++)
        if (text_starts_with(failure->text, severities[i])) {
            const char *rest = failure->text + strlen(severities[i]);
            memmove(failure->text, rest, strlen(rest) + 1);
        }
}

/* A message of the server: all its lines. */
static void
failure_from_server(const PgConnection *connection, const char *message, FailureText *failure)
{
    *failure = (FailureText){0};
    char *copy = strndup(message, FAILURE_RAW_BYTES);
    fettle_assert(copy != NULL);
    pg_secrets_hide(connection, copy);
    failure_add(failure, copy);
    failure_drop_severity(failure);
    free(copy);
}

/*
 * libpq's own text: the first line, and that of each further host or attempt unless it says the same. The
 * others are advice, details and source positions.
 */
static void
failure_from_libpq(PgConnection *connection, FailureText *failure)
{
    *failure = (FailureText){0};
    pg_secrets_learn_current(connection);
    char *copy = strndup(PQerrorMessage(connection->libpq), FAILURE_RAW_BYTES);
    fettle_assert(copy != NULL);
    pg_secrets_hide(connection, copy);
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        bool is_attempt = text_starts_with(line, "connection to server") ||
                          text_starts_with(line, "could not translate host name");
        failure_take_sqlstate(line, failure);
        if (line[0] == '\0' ||
            (failure->text[0] != '\0' && (!is_attempt || strstr(failure->text, line) != NULL)))
            continue;
        if (failure->text[0] != '\0' && strlen(failure->text) + 3 < FAILURE_TEXT_BYTES)
            memcpy(failure->text + strlen(failure->text), "; ", 3);
        failure_add(failure, line);
    }
    failure_drop_severity(failure);
    free(copy);
}

typedef struct FailureRow {
    const char *sqlstate; /* five characters, or a class of two */
    ErrorCode code;
    const char *hint;
    bool is_broken;
} FailureRow;

static const FailureRow failure_rows[] = {
    {"28P01", ERROR_AUTHENTICATION, "give the password in ~/.pgpass or PGPASSWORD; check the user name",
     true},
    {"28", ERROR_AUTHENTICATION, "check user, database and address against the server's pg_hba.conf", true},
    {"3D000", ERROR_NOT_FOUND, "list the databases with: psql -l", true},
    {"42501", ERROR_PERMISSION, "run \"fettle doctor\" for the GRANTs that are missing", false},
    {"57014", ERROR_TIMEOUT, "raise target.statement_timeout if the server is only slow", false},
    {"55P03", ERROR_TIMEOUT, "a lock was not free in time; try again when the other session is done", false},
    {"25P03", ERROR_TIMEOUT, "the server ended an idle transaction", true},
    {"25P04", ERROR_TIMEOUT, "the transaction took longer than the server's transaction_timeout", true},
    {"25006", ERROR_PERMISSION, "the session is read-only, as it should be", false},
    {"57P03", ERROR_CONNECTION, "the server is starting or stopping; try again in a moment", true},
    {"57P", ERROR_CONNECTION, "the server ended the session: it restarted, or someone terminated the backend",
     true},
    {"22021", ERROR_UNSUPPORTED,
     "a text there is no UTF-8, such as a SQL_ASCII database lets in: give what is named so another name; "
     "pg_stat_statements_reset() forgets a statement",
     false},
    {"22P05", ERROR_INPUT, "the database's encoding has no such character", false},
    {"53300", ERROR_CONNECTION, "the server has no free connection slot", true},
    {"53100", ERROR_DISK_FULL, "the server's disk is full", false},
    {"08", ERROR_CONNECTION, "the server, or a pooler before it, could not serve the connection", true},
    {"40001", ERROR_CONFLICT, "the standby cancelled the read for recovery; try again", false},
};

static const FailureRow *
failure_row_find(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && sqlstate[0] != '\0' && i < FETTLE_COUNT_OF(failure_rows); i++)
        if (text_starts_with(sqlstate, failure_rows[i].sqlstate))
            return &failure_rows[i];
    return NULL;
}

static void
failure_set_sqlstate(Error *error, const char *sqlstate)
{
    if (sqlstate != NULL)
        snprintf(error->sqlstate, sizeof(error->sqlstate), "%.5s", sqlstate);
}

typedef struct ConnectRow {
    const char *sign; /* in libpq's text */
    ErrorCode code;
    const char *hint;
} ConnectRow;

/*
 * What fails before the server speaks has no SQLSTATE: libpq's text is all there is. The texts of the server
 * stand here only for a better hint; they may come in another language.
 */
static const ConnectRow connect_rows[] = {
    {"no password supplied", ERROR_AUTHENTICATION, "give the password in ~/.pgpass or PGPASSWORD"},
    {"no pg_hba.conf entry", ERROR_AUTHENTICATION,
     "let this address in by a line in the server's pg_hba.conf"},
    {"role \"", ERROR_AUTHENTICATION, "check the user name in the connection string"},
    {"starting up", ERROR_CONNECTION, "the server is starting; try again in a moment"},
    {"Connection refused", ERROR_CONNECTION,
     "is the server running there, and does it listen on that address and port? ask it with pg_isready"},
    {"No such file or directory", ERROR_CONNECTION,
     "is the server running, and is that its socket directory? ask it with pg_isready"},
    {"Permission denied", ERROR_CONNECTION, "the operating system does not let you use that socket"},
    {"could not translate host name", ERROR_CONNECTION, "check the host name"},
    {"Network is unreachable", ERROR_CONNECTION, "check the address and the route to it"},
    {"No route to host", ERROR_CONNECTION, "check the address and the firewalls on the way"},
    {"session is read-only", ERROR_CONNECTION, "no host is as target_session_attrs wants it"},
    {"session is not read-only", ERROR_CONNECTION, "no host is as target_session_attrs wants it"},
    {"server is in hot standby mode", ERROR_CONNECTION, "no host is as target_session_attrs wants it"},
    {"server is not in hot standby mode", ERROR_CONNECTION, "no host is as target_session_attrs wants it"},
    {"received invalid response to", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"expected authentication request", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"received invalid authentication request", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"received invalid protocol negotiation", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"server sent an error response during SSL", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"unexpected message from server during startup", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"wrong version number", ERROR_CONNECTION, "that address may not be a PostgreSQL server; check sslmode"},
    {"server does not support SSL", ERROR_CONNECTION,
     "the server has no TLS: turn it on there (ssl = on), or use sslmode=prefer"},
    {"SSL", ERROR_CONNECTION, "check sslmode, sslrootcert and the server's certificate"},
    {"certificate", ERROR_CONNECTION, "check sslmode, sslrootcert and the server's certificate"},
    {"authentication method", ERROR_AUTHENTICATION, "check require_auth and channel_binding"},
    {"channel binding", ERROR_AUTHENTICATION, "check require_auth and channel_binding"},
    {"server closed the connection", ERROR_CONNECTION,
     "that address closed the connection: is it a PostgreSQL server, and is it healthy?"},
    {"definition of service", ERROR_INPUT, "check the service file (~/.pg_service.conf or PGSERVICEFILE)"},
    {"service file", ERROR_INPUT, "check the service file (~/.pg_service.conf or PGSERVICEFILE)"},
    {"for connection option", ERROR_USAGE, "check the connection string's options"},
    {"invalid port number", ERROR_USAGE, "a port is a number from 1 to 65535"},
    {" value: \"", ERROR_USAGE, "check the connection string's options"},
};

static const ConnectRow *
connect_row_find(const char *text)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(connect_rows); i++)
        if (strstr(text, connect_rows[i].sign) != NULL)
            return &connect_rows[i];
    return NULL;
}

/* The GRANT itself: who may not connect cannot ask what is missing. */
static bool
failure_hint_connect(const PgConnection *connection, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("hint", 65536);
    return error_set_hint(error, "GRANT CONNECT ON DATABASE %s TO %s;",
                          pg_identifier_quote(arena, PQdb(connection->libpq)),
                          pg_identifier_quote(arena, PQuser(connection->libpq)));
}

bool
pg_failure_connect(PgConnection *connection, Error *error)
{
    FailureText failure;
    failure_from_libpq(connection, &failure);
    const FailureRow *row = failure_row_find(failure.sqlstate);
    const ConnectRow *sign = connect_row_find(failure.text);
    ErrorCode code = row != NULL ? row->code : sign != NULL ? sign->code : ERROR_CONNECTION;
    error_set(error, code, "could not connect: %s",
              failure.text[0] == '\0' ? "no reason was given" : failure.text);
    failure_set_sqlstate(error, failure.sqlstate);
    if (text_equals(failure.sqlstate, "42501"))
        return failure_hint_connect(connection, error);
    const char *hint = sign != NULL && sign->code == code ? sign->hint : row != NULL ? row->hint : NULL;
    return hint != NULL && error_set_hint(error, "%s", hint);
}

bool
pg_failure_lost(PgConnection *connection, const char *doing, Error *error)
{
    FailureText failure;
    failure_from_libpq(connection, &failure);
    connection->is_broken = true;
    const FailureRow *row = failure_row_find(failure.sqlstate);
    error_set(error, row == NULL ? ERROR_CONNECTION : row->code, "%s: %s", doing,
              failure.text[0] == '\0' ? "the connection was lost" : failure.text);
    failure_set_sqlstate(error, failure.sqlstate);
    return error_set_hint(error, "%s",
                          row != NULL ? row->hint
                                      : "the server restarted, ended the session, or the network failed; try "
                                        "again");
}

/* The server's own hint is passed on where we know none. */
static bool
failure_set_server_hint(const PgConnection *connection, const PGresult *result, Error *error)
{
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    if (hint == NULL)
        return false;
    FailureText failure;
    failure_from_server(connection, hint, &failure);
    return error_set_hint(error, "%s", failure.text);
}

bool
pg_failure_result(PgConnection *connection, const PGresult *result, Error *error)
{
    if (PQstatus(connection->libpq) == CONNECTION_BAD)
        connection->is_broken = true;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    /* libpq's own words about a lost connection */
    if (sqlstate == NULL && connection->is_broken)
        return pg_failure_lost(connection, "could not read an answer", error);
    FailureText failure;
    failure_from_server(connection, primary != NULL ? primary : PQresultErrorMessage(result), &failure);
    const FailureRow *row = failure_row_find(sqlstate);
    error_set(error, row == NULL ? ERROR_QUERY : row->code, "%s",
              failure.text[0] == '\0' ? "the server gave no reason" : failure.text);
    failure_set_sqlstate(error, sqlstate);
    if (row == NULL)
        return failure_set_server_hint(connection, result, error);
    connection->is_broken = connection->is_broken || row->is_broken;
    return error_set_hint(error, "%s", row->hint);
}
