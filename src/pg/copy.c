// SPDX-License-Identifier: PostgreSQL
/*
 * COPY FROM STDIN: rows in text format, or bytes in whatever format the statement names.
 */
#include "pg/connection_internal.h"

#include "base/text.h"

#include <poll.h>

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

/* Puts bytes, or the end of the rows when data is NULL; waits while libpq's buffer is full. */
static bool
copy_put(PgRun *run, const char *data, size_t length, Error *error)
{
    PGconn *libpq = run->connection->libpq;
    for (;;) {
        int put = data == NULL ? PQputCopyEnd(libpq, NULL) : PQputCopyData(libpq, data, (int)length);
        if (put == 1)
            return true;
        if (put < 0)
            return pg_failure_lost(run->connection, "could not send rows", error);
        short ready = pg_wire_wait(run->connection, POLLOUT | POLLIN, run->deadline);
        if (ready == 0)
            return pg_wire_timed_out(run->connection, "could not send rows", error);
        if ((ready & POLLIN) != 0 && !pg_wire_consume(run->connection, "could not send rows", error))
            return false;
    }
}

static bool
copy_rows(PgRun *run, const char *const *values, size_t row_count, int column_count, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("copy", (size_t)8 << 30);
    for (size_t row = 0; row < row_count; row++) {
        ArenaMark mark = arena_mark(arena);
        Text line = text_new(arena);
        for (int column = 0; column < column_count; column++) {
            if (column > 0)
                text_append_char(&line, '\t');
            copy_append_value(&line, values[row * (size_t)column_count + (size_t)column]);
        }
        text_append_char(&line, '\n');
        if (line.length > INT32_MAX / 2) {
            run->connection->is_broken = true;
            return error_set(error, ERROR_LIMIT, "could not send rows: one is larger than 1 GB");
        }
        if (!copy_put(run, line.data, line.length, error))
            return false;
        arena_rewind(arena, mark);
    }
    return copy_put(run, NULL, 0, error) && pg_wire_flush(run->connection, run->deadline, error);
}

bool
pg_copy_in(PgConnection *connection, const char *copy_text, const char *const *values, size_t row_count,
           int column_count, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection};
    if (!pg_run_begin(&run, error) || !pg_run_send_script(&run, copy_text, error) ||
        !pg_run_read(&run, error))
        return false;
    if (!run.is_in_copy)
        return error_set(error, ERROR_USAGE, "could not send rows: the statement is not COPY FROM STDIN");
    run.is_in_copy = false;
    return copy_rows(&run, values, row_count, column_count, error) && pg_run_read(&run, error);
}

#define COPY_CHUNK_BYTES ((size_t)1 << 16)

bool
pg_copy_in_bytes(PgConnection *connection, const char *copy_text, const char *data, size_t size, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection};
    if (!pg_run_begin(&run, error) || !pg_run_send_script(&run, copy_text, error) ||
        !pg_run_read(&run, error))
        return false;
    if (!run.is_in_copy)
        return error_set(error, ERROR_USAGE, "could not send rows: the statement is not COPY FROM STDIN");
    run.is_in_copy = false;
    for (size_t at = 0; at < size; at += COPY_CHUNK_BYTES) {
        size_t length = size - at < COPY_CHUNK_BYTES ? size - at : COPY_CHUNK_BYTES;
        if (!copy_put(&run, data + at, length, error))
            return false;
    }
    return copy_put(&run, NULL, 0, error) && pg_wire_flush(connection, run.deadline, error) &&
           pg_run_read(&run, error);
}
