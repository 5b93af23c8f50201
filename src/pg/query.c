// SPDX-License-Identifier: PostgreSQL
#include "pg/result.h"

#include "base/text.h"
#include "pg/connection_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 10000000
#define BYTES_MOST ((int64_t)2 * 1024 * 1024 * 1024)
#define DEADLINE_SLACK_MS 5000

struct PgResult {
    PGresult *libpq;
};

static void
libpq_result_clear_at(PGresult **result)
{
    PQclear(*result);
    *result = NULL;
}

static PgResult *
result_new(PGresult *libpq)
{
    PgResult *result = calloc(1, sizeof(*result));
    fettle_assert(result != NULL);
    result->libpq = libpq;
    return result;
}

static Deadline
query_deadline(const PgConnection *connection, Deadline wanted)
{
    return wanted != 0 ? wanted : deadline_after_ms(connection->statement_timeout_ms + DEADLINE_SLACK_MS);
}

static bool
connection_usable(const PgConnection *connection, Error *error)
{
    if (!connection->is_broken)
        return true;
    error_set(error, ERROR_CONNECTION, "the connection was lost by an earlier failure");
    return error_set_hint(error, "connect again");
}

/* Sends all that libpq has buffered. */
static bool
query_flush(PgConnection *connection, Deadline deadline, Error *error)
{
    for (;;) {
        int left = PQflush(connection->libpq);
        if (left == 0)
            return true;
        if (left < 0)
            return pg_failure_lost(connection, "could not send a query", error);
        if (!pg_wait(connection, true, deadline))
            return pg_timed_out(connection, "could not send a query", error);
    }
}

/* The next result, NULL at the end of the command; waits until the deadline. */
static bool
query_next(PgConnection *connection, Deadline deadline, PGresult **ret_result, Error *error)
{
    while (PQisBusy(connection->libpq)) {
        if (!pg_wait(connection, false, deadline))
            return pg_timed_out(connection, "could not read an answer", error);
        if (PQconsumeInput(connection->libpq) == 0)
            return pg_failure_lost(connection, "could not read an answer", error);
    }
    *ret_result = PQgetResult(connection->libpq);
    return true;
}

/* Reads to the end of the command, keeping the last result with rows; the first error wins. */
static bool
query_collect(PgConnection *connection, Deadline deadline, PGresult **ret_result, Error *error)
{
    FETTLE_CLEANUP(libpq_result_clear_at) PGresult *kept = NULL;
    bool good = true;
    for (;;) {
        PGresult *next = NULL;
        if (!query_next(connection, deadline, &next, error))
            return false;
        if (next == NULL)
            break;
        ExecStatusType status = PQresultStatus(next);
        bool is_failure = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        if (is_failure && good)
            good = pg_failure_result(connection, next, error);
        bool keep = !is_failure && (kept == NULL || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN);
        if (keep) {
            PQclear(kept);
            kept = next;
        } else {
            PQclear(next);
        }
        if (status == PGRES_COPY_IN || connection->is_broken)
            break;
    }
    connection->round_trips++;
    if (good && kept == NULL)
        return pg_failure_lost(connection, "could not read an answer", error);
    if (good && ret_result != NULL) {
        *ret_result = kept;
        kept = NULL;
    }
    return good;
}

static int64_t
result_bytes(const PGresult *result)
{
    return (int64_t)PQresultMemorySize(result);
}

static bool
result_check_limits(const PgQuery *query, const PGresult *result, Error *error)
{
    int64_t rows_most = query->rows_most > 0 ? query->rows_most : ROWS_MOST;
    int64_t bytes_most = query->bytes_most > 0 ? query->bytes_most : BYTES_MOST;
    if (PQntuples(result) > rows_most)
        return error_set(error, ERROR_LIMIT, "the answer has more than %lld rows", (long long)rows_most);
    if (result_bytes(result) > bytes_most)
        return error_set(error, ERROR_LIMIT, "the answer is larger than %lld bytes", (long long)bytes_most);
    return true;
}

bool
pg_query(PgConnection *connection, const PgQuery *query, PgResult **ret_result, Error *error)
{
    if (!connection_usable(connection, error))
        return false;
    Deadline deadline = query_deadline(connection, query->deadline);
    if (PQsendQueryParams(connection->libpq, query->text, query->parameter_count, NULL, query->parameters,
                          NULL, NULL, 0) == 0)
        return pg_failure_lost(connection, "could not send a query", error);
    FETTLE_CLEANUP(libpq_result_clear_at) PGresult *collected = NULL;
    if (!query_flush(connection, deadline, error) ||
        !query_collect(connection, deadline, &collected, error) ||
        !result_check_limits(query, collected, error))
        return false;
    *ret_result = result_new(collected);
    collected = NULL;
    return true;
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
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    return pg_query(connection,
                    &(PgQuery){.text = text, .parameters = parameters, .parameter_count = parameter_count},
                    &result, error);
}

bool
pg_execute(PgConnection *connection, const char *text, Error *error)
{
    return pg_execute_parameters(connection, text, NULL, 0, error);
}

bool
pg_execute_script(PgConnection *connection, const char *text, PgResult **ret_result, Error *error)
{
    if (!connection_usable(connection, error))
        return false;
    Deadline deadline = query_deadline(connection, 0);
    if (PQsendQuery(connection->libpq, text) == 0)
        return pg_failure_lost(connection, "could not send a query", error);
    FETTLE_CLEANUP(libpq_result_clear_at) PGresult *collected = NULL;
    if (!query_flush(connection, deadline, error) || !query_collect(connection, deadline, &collected, error))
        return false;
    if (ret_result != NULL) {
        *ret_result = result_new(collected);
        collected = NULL;
    }
    return true;
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

static void
copy_append_value(Text *line, const char *value)
{
    if (value == NULL) {
        text_append(line, "\\N");
        return;
    }
    for (const char *at = value; *at != '\0'; at++) {
        switch (*at) {
            case '\\': text_append(line, "\\\\"); break;
            case '\t': text_append(line, "\\t"); break;
            case '\n': text_append(line, "\\n"); break;
            case '\r': text_append(line, "\\r"); break;
            default: text_append_char(line, *at);
        }
    }
}

static bool
copy_put(PgConnection *connection, const Text *line, Deadline deadline, Error *error)
{
    fettle_assert(line->length < INT32_MAX);
    for (;;) {
        int put = PQputCopyData(connection->libpq, line->data, (int)line->length);
        if (put == 1)
            return true;
        if (put < 0)
            return pg_failure_lost(connection, "could not send rows", error);
        if (!pg_wait(connection, true, deadline))
            return pg_timed_out(connection, "could not send rows", error);
    }
}

bool
pg_copy_in(PgConnection *connection, const char *copy_text, const char *const *values, size_t row_count,
           int column_count, Error *error)
{
    if (!pg_execute_script(connection, copy_text, NULL, error))
        return false;
    Deadline deadline = query_deadline(connection, 0);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("copy", (size_t)1 << 30);
    for (size_t row = 0; row < row_count; row++) {
        ArenaMark mark = arena_mark(arena);
        Text line = text_new(arena);
        for (int column = 0; column < column_count; column++) {
            if (column > 0)
                text_append_char(&line, '\t');
            copy_append_value(&line, values[row * (size_t)column_count + (size_t)column]);
        }
        text_append_char(&line, '\n');
        if (!copy_put(connection, &line, deadline, error))
            return false;
        arena_rewind(arena, mark);
    }
    if (PQputCopyEnd(connection->libpq, NULL) < 0)
        return pg_failure_lost(connection, "could not send rows", error);
    return query_flush(connection, deadline, error) && query_collect(connection, deadline, NULL, error);
}

void
pg_result_free(PgResult *result)
{
    if (result == NULL)
        return;
    PQclear(result->libpq);
    free(result);
}

void
pg_result_free_at(PgResult **result)
{
    pg_result_free(*result);
    *result = NULL;
}

int64_t
pg_result_rows(const PgResult *result)
{
    return PQntuples(result->libpq);
}

int
pg_result_columns(const PgResult *result)
{
    return PQnfields(result->libpq);
}

const char *
pg_result_column_name(const PgResult *result, int column)
{
    return PQfname(result->libpq, column);
}

int
pg_result_column_find(const PgResult *result, const char *name)
{
    for (int column = 0; column < PQnfields(result->libpq); column++)
        if (strcmp(PQfname(result->libpq, column), name) == 0)
            return column;
    return -1;
}

uint32_t
pg_result_column_type(const PgResult *result, int column)
{
    return PQftype(result->libpq, column);
}

const char *
pg_result_text(const PgResult *result, int64_t row, int column)
{
    fettle_assert(row >= 0 && row < PQntuples(result->libpq) && column >= 0 &&
                  column < PQnfields(result->libpq));
    return PQgetisnull(result->libpq, (int)row, column) ? NULL : PQgetvalue(result->libpq, (int)row, column);
}

size_t
pg_result_length(const PgResult *result, int64_t row, int column)
{
    return (size_t)PQgetlength(result->libpq, (int)row, column);
}

int64_t
pg_result_int(const PgResult *result, int64_t row, int column, int64_t fallback)
{
    int64_t value;
    const char *text = pg_result_text(result, row, column);
    return text != NULL && text_parse_int64(text, &value) ? value : fallback;
}

double
pg_result_double(const PgResult *result, int64_t row, int column, double fallback)
{
    double value;
    const char *text = pg_result_text(result, row, column);
    return text != NULL && text_parse_double(text, &value) ? value : fallback;
}

bool
pg_result_bool(const PgResult *result, int64_t row, int column)
{
    return text_equals(pg_result_text(result, row, column), "t");
}
