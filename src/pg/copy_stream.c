// SPDX-License-Identifier: PostgreSQL
/*
 * COPY as a stream: bounded memory, whatever the size of the table. Each piece has the time of one statement,
 * for a large table takes long as a whole.
 */
#include "pg/connection_internal.h"

#include <poll.h>

#define COPY_PIECE_BYTES 65536

static bool
copy_begin(PgRun *run, const char *copy_text, Error *error)
{
    run->bytes_most = INT64_MAX;
    if (!pg_run_begin(run, error) || !pg_run_send_script(run, copy_text, error) || !pg_run_read(run, error))
        return false;
    return run->is_in_copy || error_set(error, ERROR_USAGE, "the statement is no COPY to or from the client");
}

static void
copy_renew(PgRun *run)
{
    run->deadline = 0;
    Error ignored = {0};
    bool renewed = pg_run_begin(run, &ignored);
    (void)renewed;
}

static void
copy_buffer_free_at(char **buffer)
{
    PQfreemem(*buffer);
}

/* The next row's bytes; *ret_length 0 at the end. */
static bool
copy_next(PgRun *run, char **ret_data, size_t *ret_length, Error *error)
{
    PgConnection *connection = run->connection;
    copy_renew(run);
    for (;;) {
        int length = PQgetCopyData(connection->libpq, ret_data, 1);
        if (length > 0) {
            *ret_length = (size_t)length;
            return true;
        }
        *ret_length = 0;
        if (length == -1)
            return true;
        if (length < -1)
            return pg_failure_lost(connection, "could not read rows", error);
        if (pg_wire_wait(connection, POLLIN, run->deadline) == 0)
            return pg_wire_timed_out(connection, "could not read rows", error);
        if (!pg_wire_consume(connection, "could not read rows", error))
            return false;
    }
}

bool
pg_copy_out(PgConnection *connection, const char *copy_text, PgCopyTake *take, void *context, Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection, .takes_copy_out = true};
    if (!copy_begin(&run, copy_text, error))
        return false;
    for (;;) {
        FETTLE_CLEANUP(copy_buffer_free_at) char *data = NULL;
        size_t length;
        if (!copy_next(&run, &data, &length, error))
            return false;
        if (length == 0)
            break;
        if (!take(context, data, length, error)) {
            /* the rest is not worth the reading */
            connection->is_broken = true;
            (void)pg_wire_cancel(connection);
            return false;
        }
    }
    run.is_in_copy = false;
    return pg_run_read(&run, error);
}

static bool
copy_put(PgRun *run, const char *data, size_t length, Error *error)
{
    PgConnection *connection = run->connection;
    copy_renew(run);
    for (;;) {
        int put = PQputCopyData(connection->libpq, data, (int)length);
        if (put == 1)
            return pg_wire_flush(connection, run->deadline, error);
        if (put < 0)
            return pg_failure_lost(connection, "could not send rows", error);
        short ready = pg_wire_wait(connection, POLLOUT | POLLIN, run->deadline);
        if (ready == 0)
            return pg_wire_timed_out(connection, "could not send rows", error);
        if ((ready & POLLIN) != 0 && !pg_wire_consume(connection, "could not send rows", error))
            return false;
    }
}

/* Ends the COPY; words NULL: well, else it fails with them on the server. */
static bool
copy_end(PgRun *run, const char *words, Error *error)
{
    PgConnection *connection = run->connection;
    copy_renew(run);
    run->is_in_copy = false;
    for (;;) {
        int put = PQputCopyEnd(connection->libpq, words);
        if (put == 1)
            return pg_wire_flush(connection, run->deadline, error) && pg_run_read(run, error);
        if (put < 0)
            return pg_failure_lost(connection, "could not send rows", error);
        if (pg_wire_wait(connection, POLLOUT, run->deadline) == 0)
            return pg_wire_timed_out(connection, "could not send rows", error);
    }
}

bool
pg_copy_in_stream(PgConnection *connection, const char *copy_text, PgCopyGive *give, void *context,
                  Error *error)
{
    FETTLE_CLEANUP(pg_run_clear_at) PgRun run = {.connection = connection};
    if (!copy_begin(&run, copy_text, error))
        return false;
    char piece[COPY_PIECE_BYTES];
    for (;;) {
        size_t length = 0;
        if (!give(context, piece, sizeof(piece), &length, error)) {
            Error ignored = {0};
            if (copy_end(&run, "the rows cannot be read", &ignored))
                connection->is_broken = true;
            return false;
        }
        if (length == 0)
            return copy_end(&run, NULL, error);
        if (!copy_put(&run, piece, length, error))
            return false;
    }
}
