// SPDX-License-Identifier: PostgreSQL
/*
 * From libpq's and the server's failures to our errors: what could not be done, and what to do.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define FAILURE_TEXT_BYTES 800

/* Blanks every occurrence of the password. */
static void
failure_hide(char *text, const char *secret)
{
    size_t length = secret == NULL ? 0 : strlen(secret);
    if (length == 0)
        return;
    for (char *found = strstr(text, secret); found != NULL; found = strstr(found, secret)) {
        memset(found, '*', length < 3 ? length : 3);
        if (length > 3)
            memmove(found + 3, found + length, strlen(found + length) + 1);
        found += length < 3 ? length : 3;
    }
}

/* One line, without libpq's prefixes and the final full stop, and without the password. */
static void
failure_clean(const char *message, const char *password, char *clean)
{
    static const char *const prefixes[] = {"ERROR: ", "FATAL: ", "PANIC: "};
    size_t used = 0;
    bool space = false;
    for (const char *at = message; *at != '\0' && used < FAILURE_TEXT_BYTES - 2; at++) {
        if (isspace((unsigned char)*at)) {
            space = used > 0;
            continue;
        }
        if (space)
            clean[used++] = ' ';
        space = false;
        clean[used++] = *at;
    }
    clean[used] = '\0';
    for (size_t i = 0; i < FETTLE_COUNT_OF(prefixes); i++)
        if (text_starts_with(clean, prefixes[i]))
            memmove(clean, clean + strlen(prefixes[i]), strlen(clean + strlen(prefixes[i])) + 1);
    failure_hide(clean, password);
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
    {"25006", ERROR_PERMISSION, "the session is read-only, as it should be", false},
    {"57P03", ERROR_CONNECTION, "the server is starting or stopping; try again in a moment", true},
    {"57P", ERROR_CONNECTION, "the server ended the session: it restarted, or someone terminated the backend",
     true},
    {"53300", ERROR_CONNECTION, "the server has no free connection slot", true},
    {"53100", ERROR_DISK_FULL, "the server's disk is full", false},
    {"08", ERROR_CONNECTION, "check that the address is a PostgreSQL server's", true},
    {"40001", ERROR_CONFLICT, "the standby cancelled the read for recovery; try again", false},
};

static const FailureRow *
failure_row_find(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < FETTLE_COUNT_OF(failure_rows); i++)
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

/* libpq gives no SQLSTATE for what fails before or during authentication: its text is all there is. */
static const ConnectRow connect_rows[] = {
    {"password authentication failed", ERROR_AUTHENTICATION,
     "give the password in ~/.pgpass or PGPASSWORD; check the user name"},
    {"no password supplied", ERROR_AUTHENTICATION, "give the password in ~/.pgpass or PGPASSWORD"},
    {"no pg_hba.conf entry", ERROR_AUTHENTICATION,
     "let this address in by a line in the server's pg_hba.conf"},
    {"authentication failed", ERROR_AUTHENTICATION,
     "check the user name and the method in the server's pg_hba.conf"},
    {"role \"", ERROR_AUTHENTICATION, "check the user name in the connection string"},
    {"database \"", ERROR_NOT_FOUND, "list the databases with: psql -l"},
    {"Connection refused", ERROR_CONNECTION,
     "is the server running there, and does it listen on that address and port?"},
    {"No such file or directory", ERROR_CONNECTION,
     "is the server running, and is that its socket directory?"},
    {"could not translate host name", ERROR_CONNECTION, "check the host name"},
    {"Network is unreachable", ERROR_CONNECTION, "check the address and the route to it"},
    {"No route to host", ERROR_CONNECTION, "check the address and the firewalls on the way"},
    {"received invalid response", ERROR_CONNECTION, "that address answers, but not as a PostgreSQL server"},
    {"expected authentication request", ERROR_CONNECTION,
     "that address answers, but not as a PostgreSQL server"},
    {"server closed the connection", ERROR_CONNECTION,
     "that address closed the connection: is it a PostgreSQL server, and is it healthy?"},
    {"SSL", ERROR_CONNECTION, "check sslmode, sslrootcert and the server's certificate"},
    {"certificate", ERROR_CONNECTION, "check sslmode, sslrootcert and the server's certificate"},
    {"starting up", ERROR_CONNECTION, "the server is starting; try again in a moment"},
    {"too many", ERROR_CONNECTION, "the server has no free connection slot"},
    {"definition of service", ERROR_INPUT, "check the service file (~/.pg_service.conf or PGSERVICEFILE)"},
    {"service file", ERROR_INPUT, "check the service file (~/.pg_service.conf or PGSERVICEFILE)"},
};

bool
pg_failure_connect(const PgConnection *connection, Error *error)
{
    char clean[FAILURE_TEXT_BYTES];
    failure_clean(PQerrorMessage(connection->libpq), connection->password, clean);
    for (size_t i = 0; i < FETTLE_COUNT_OF(connect_rows); i++) {
        if (strstr(clean, connect_rows[i].sign) == NULL)
            continue;
        error_set(error, connect_rows[i].code, "could not connect: %s", clean);
        return error_set_hint(error, "%s", connect_rows[i].hint);
    }
    return error_set(error, ERROR_CONNECTION, "could not connect: %s",
                     clean[0] == '\0' ? "no reason was given" : clean);
}

bool
pg_failure_lost(PgConnection *connection, const char *doing, Error *error)
{
    char clean[FAILURE_TEXT_BYTES];
    failure_clean(PQerrorMessage(connection->libpq), connection->password, clean);
    connection->is_broken = true;
    error_set(error, ERROR_CONNECTION, "%s: %s", doing, clean[0] == '\0' ? "the connection was lost" : clean);
    return error_set_hint(error, "the server restarted, ended the session, or the network failed; try again");
}

bool
pg_failure_result(PgConnection *connection, const PGresult *result, Error *error)
{
    if (PQstatus(connection->libpq) == CONNECTION_BAD)
        connection->is_broken = true;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char clean[FAILURE_TEXT_BYTES];
    failure_clean(primary != NULL ? primary : PQresultErrorMessage(result), connection->password, clean);
    const FailureRow *row = failure_row_find(sqlstate);
    error_set(error, row == NULL ? ERROR_QUERY : row->code, "%s", clean);
    failure_set_sqlstate(error, sqlstate);
    if (row == NULL)
        return false;
    connection->is_broken = connection->is_broken || row->is_broken;
    return error_set_hint(error, "%s", row->hint);
}
