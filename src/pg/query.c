// SPDX-License-Identifier: PostgreSQL
/*
 * One statement or script: sent, read row by row to its end, within deadline and limits.
 *
 * Every way out leaves the session either idle, ready for the next statement, or marked broken; never in the
 * middle of an answer.
 */
#include "pg/connection_internal.h"

#include <poll.h>
#include <stddef.h>
#include <stdio.h>

#define ROWS_MOST 10000000
#define PARAMETERS_BINARY_MOST 16
#define BYTES_MOST ((int64_t)2 * 1024 * 1024 * 1024)
#define DEADLINE_SLACK_MS 5000
/* After a cancelled answer: what may still come before the session is given up. */
#define DRAIN_BYTES ((int64_t)16 * 1024 * 1024)
#define DRAIN_MS 3000

bool
pg_run_begin(PgRun *run, Error *error)
{
    PgConnection *connection = run->connection;
    if (connection->is_broken) {
        error_set(error, ERROR_CONNECTION, "the connection was lost by an earlier failure");
        return error_set_hint(error, "connect again");
    }
    if (run->deadline == 0)
        run->deadline = deadline_after_ms((int64_t)connection->statement_timeout_ms + DEADLINE_SLACK_MS);
    if (connection->deadline != 0)
        run->deadline = deadline_earlier(run->deadline, connection->deadline);
    if (run->rows_most <= 0)
        run->rows_most = ROWS_MOST;
    if (run->bytes_most <= 0)
        run->bytes_most = BYTES_MOST;
    connection->wire_bytes = 0;
    connection->wire_bytes_most = run->bytes_most;
    return true;
}

void
pg_run_clear_at(PgRun *run)
{
    pg_result_free(run->result);
    run->result = NULL;
}

/* Notifications would pile up in libpq. */
static void
run_drop_notifications(PgConnection *connection)
{
    for (PGnotify *notification = PQnotifies(connection->libpq); notification != NULL;
         notification = PQnotifies(connection->libpq))
        PQfreemem(notification);
}

/* The next result, NULL at the end of the command. */
static bool
run_next(PgRun *run, PGresult **ret_result, Error *error)
{
    PgConnection *connection = run->connection;
    while (PQisBusy(connection->libpq)) {
        if (pg_wire_wait(connection, POLLIN, run->deadline) == 0)
            return pg_wire_timed_out(connection, "could not read an answer", error);
        if (!pg_wire_consume(connection, "could not read an answer", error))
            return false;
        run_drop_notifications(connection);
    }
    *ret_result = PQgetResult(connection->libpq);
    return true;
}

/* Cancels what runs and reads its end, so that the session can go on; broken when that does not come soon. */
static void
run_abandon(PgRun *run)
{
    PgConnection *connection = run->connection;
    Error ignored = {0};
    if (!pg_wire_cancel(connection)) {
        connection->is_broken = true;
        return;
    }
    run->deadline = deadline_after_ms(DRAIN_MS);
    connection->wire_bytes = 0;
    connection->wire_bytes_most = DRAIN_BYTES;
    for (;;) {
        FETTLE_CLEANUP(pg_libpq_result_clear_at) PGresult *rest = NULL;
        if (!run_next(run, &rest, &ignored) || rest == NULL)
            return;
    }
}

static bool
run_limit_reached(PgRun *run, Error *error)
{
    bool by_rows = pg_result_rows(run->result) >= run->rows_most;
    if (by_rows)
        error_set(error, ERROR_LIMIT, "the answer has more than %lld rows", (long long)run->rows_most);
    else
        error_set(error, ERROR_LIMIT, "the answer is larger than %lld bytes", (long long)run->bytes_most);
    run_abandon(run);
    return false;
}

/* What the rows took as DataRow messages. */
static int64_t
rows_wire_bytes(const PGresult *rows)
{
    int columns = PQnfields(rows);
    int64_t bytes = (int64_t)PQntuples(rows) * (7 + 4 * (int64_t)columns);
    for (int row = 0; row < PQntuples(rows); row++)
        for (int column = 0; column < columns; column++)
            bytes += PQgetlength(rows, row, column);
    return bytes;
}

typedef enum RunStep { RUN_GOES_ON, RUN_FAILED, RUN_OVER } RunStep;

/* A COPY nobody asked for: one that wants rows is ended, one that sends them is not worth the reading. */
static RunStep
run_take_copy(PgRun *run, ExecStatusType status)
{
    run->is_in_copy = status == PGRES_COPY_IN || (status == PGRES_COPY_OUT && run->takes_copy_out);
    run->connection->is_broken = run->connection->is_broken || !run->is_in_copy;
    return RUN_OVER;
}

static RunStep
run_take(PgRun *run, const PGresult *next, bool *is_in_rows, Error *error)
{
    ExecStatusType status = PQresultStatus(next);
    switch (status) {
        case PGRES_SINGLE_TUPLE:
        case PGRES_TUPLES_OK:
            if (!*is_in_rows || PQnfields(next) != pg_result_columns(run->result)) {
                pg_result_free(run->result);
                run->result = pg_result_new(next);
            }
            *is_in_rows = status == PGRES_SINGLE_TUPLE;
            run->connection->bytes_received += rows_wire_bytes(next);
            if (!pg_result_add_rows(run->result, next, run->rows_most, run->bytes_most))
                return run_limit_reached(run, error) ? RUN_GOES_ON : RUN_OVER;
            return RUN_GOES_ON;
        case PGRES_COPY_IN:
        case PGRES_COPY_OUT:
        case PGRES_COPY_BOTH: return run_take_copy(run, status);
        case PGRES_FATAL_ERROR:
        case PGRES_BAD_RESPONSE:
            *is_in_rows = false;
            if (error->code == ERROR_NONE)
                (void)pg_failure_result(run->connection, next, error);
            return run->connection->is_broken ? RUN_OVER : RUN_FAILED;
        default: return RUN_GOES_ON;
    }
}

bool
pg_run_read(PgRun *run, Error *error)
{
    Error failure = {0};
    bool is_in_rows = false;
    RunStep step = RUN_GOES_ON;
    while (step != RUN_OVER) {
        FETTLE_CLEANUP(pg_libpq_result_clear_at) PGresult *next = NULL;
        if (!run_next(run, &next, &failure) || next == NULL)
            break;
        step = run_take(run, next, &is_in_rows, &failure);
    }
    run->connection->round_trips++;
    if (failure.code == ERROR_NONE && run->connection->is_broken)
        error_set(&failure, ERROR_CONNECTION, "the server answered with a COPY that was not asked for");
    if (failure.code == ERROR_NONE)
        return true;
    *error = failure;
    return false;
}

/* Ends a COPY FROM STDIN that came where rows or nothing were wanted. */
static bool
run_refuse_copy(PgRun *run, Error *error)
{
    if (!run->is_in_copy)
        return true;
    Error ignored = {0};
    if (PQputCopyEnd(run->connection->libpq, "no rows are sent by this call") != 1 ||
        !pg_wire_flush(run->connection, run->deadline, &ignored) || pg_run_read(run, &ignored))
        run->connection->is_broken = true;
    return error_set(error, ERROR_USAGE, "COPY FROM STDIN needs pg_copy_in()");
}

static bool
run_finish(PgRun *run, PgResult **ret_result, Error *error)
{
    if (!pg_wire_flush(run->connection, run->deadline, error) || !pg_run_read(run, error) ||
        !run_refuse_copy(run, error))
        return false;
    if (ret_result != NULL) {
        *ret_result = run->result != NULL ? run->result : pg_result_new(NULL);
        run->result = NULL;
    }
    return true;
}

typedef struct PreparedName {
    char text[24];
} PreparedName;

static PreparedName
prepared_name(int place)
{
    PreparedName name;
    snprintf(name.text, sizeof(name.text), "fettle_%d", place);
    return name;
}

/* The text's place among what the session has parsed, where it is put if need be; -1: there is no room. */
static bool
query_prepare(PgConnection *connection, const PgQuery *query, int *ret_place, Error *error)
{
    *ret_place = -1;
    for (int i = 0; i < connection->prepared_count; i++)
        if (connection->prepared[i] == query->text) {
            *ret_place = i;
            return true;
        }
    if (connection->prepared_count == PG_PREPARED_MOST)
        return true;
    int place = connection->prepared_count;
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection, .deadline = query->deadline};
    if (!pg_run_begin(&run, error))
        return false;
    if (PQsendPrepare(connection->libpq, prepared_name(place).text, query->text, 0, NULL) == 0)
        return pg_failure_lost(connection, "could not send a query", error);
    if (!run_finish(&run, NULL, error))
        return false;
    connection->prepared[connection->prepared_count++] = query->text;
    *ret_place = place;
    return true;
}

static bool
query_send(PgConnection *connection, const PgQuery *query, int place, Error *error)
{
    static const int binary[PARAMETERS_BINARY_MOST] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const int *formats = query->parameter_lengths == NULL ? NULL : binary;
    fettle_assert(formats == NULL || query->parameter_count <= PARAMETERS_BINARY_MOST);
    int sent =
        place >= 0
            ? PQsendQueryPrepared(connection->libpq, prepared_name(place).text, query->parameter_count,
                                  query->parameters, query->parameter_lengths, formats, query->is_binary)
            : PQsendQueryParams(connection->libpq, query->text, query->parameter_count, NULL,
                                query->parameters, query->parameter_lengths, formats, query->is_binary);
    if (sent == 0 || PQsetSingleRowMode(connection->libpq) == 0)
        return pg_failure_lost(connection, "could not send a query", error);
    return true;
}

bool
pg_query(PgConnection *connection, const PgQuery *query, PgResult **ret_result, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at)
    PgRun run = {.connection = connection,
                 .deadline = query->deadline,
                 .rows_most = query->rows_most,
                 .bytes_most = query->bytes_most};
    int place = -1;
    return (!query->is_prepared || query_prepare(connection, query, &place, error)) &&
           pg_run_begin(&run, error) && query_send(connection, query, place, error) &&
           run_finish(&run, ret_result, error);
}

bool
pg_query_simple(PgConnection *connection, const char *text, PgResult **ret_result, Error *error)
{
    return pg_query(connection, &(PgQuery){.text = text}, ret_result, error);
}

bool
pg_execute_parameters(PgConnection *connection, const char *text, const char *const *parameters,
                      int parameter_count, Error *error)
{
    return pg_query(connection,
                    &(PgQuery){.text = text, .parameters = parameters, .parameter_count = parameter_count},
                    NULL, error);
}

bool
pg_execute(PgConnection *connection, const char *text, Error *error)
{
    return pg_execute_parameters(connection, text, NULL, 0, error);
}

bool
pg_run_send_script(PgRun *run, const char *text, Error *error)
{
    if (PQsendQuery(run->connection->libpq, text) == 0 || PQsetSingleRowMode(run->connection->libpq) == 0)
        return pg_failure_lost(run->connection, "could not send a query", error);
    return pg_wire_flush(run->connection, run->deadline, error);
}

bool
pg_execute_script(PgConnection *connection, const char *text, PgResult **ret_result, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection};
    return pg_run_begin(&run, error) && pg_run_send_script(&run, text, error) &&
           run_finish(&run, ret_result, error);
}

bool
pg_transaction_begin_read_only(PgConnection *connection, Error *error)
{
    return pg_execute(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error);
}

bool
pg_transaction_end(PgConnection *connection, Error *error)
{
    return pg_execute(connection, "ROLLBACK", error);
}
