// SPDX-License-Identifier: PostgreSQL
#include "snapshot/read_sent.h"

#include "base/hash.h"
#include "base/text.h"
#include "pg/query_text.h"
#include "pg/result.h"

#include <string.h>
#include <time.h>

#define LOOK_MS 100
#define LOOK_ROWS_MOST 200
#define TEXT_BYTES_MOST (16 << 10)
#define EXECUTIONS_MOST 50000
#define TEXTS_MOST 5000
#define BYTES_MOST (16 << 20)
#define RECEIVED_BYTES_MOST (48 << 20) /* in all looks: what the target sends, known or not */
/* The server cuts a text at a character's end: one that is shorter than its room by this is whole. */
#define CHARACTER_BYTES_MOST 4

extern const PgQueryText snapshot_queries[];

typedef struct Watch {
    Arena *arena;
    PgConnection *connection;
    const char *text_bytes_most;
    int64_t looked_us; /* the server's time of the last look */
    Map *executions;   /* seen already */
    Map *texts;        /* position in the list, by text and query id */
    size_t bytes;
    size_t received_bytes;
    SnapshotSentList *sent;
} Watch;

/* Only a new text is copied: a target may have thousands of sessions that send the same long one. */
static void
execution_take(Watch *watch, const char *text, int64_t query_id)
{
    uint64_t key = hash_combine((uint64_t)query_id, hash_text(text));
    const size_t *position = map_get_id(watch->texts, key);
    if (position != NULL) {
        SnapshotSent *known = &watch->sent->items[*position];
        known->executions += strcmp(known->text, text) == 0 && known->query_id == query_id;
        return;
    }
    if (watch->sent->count >= TEXTS_MOST || watch->bytes > BYTES_MOST)
        return;
    size_t *own = ARENA_NEW(watch->arena, size_t);
    *own = watch->sent->count;
    const SnapshotSent sent = {
        .text = arena_strdup(watch->arena, text), .query_id = query_id, .executions = 1};
    vector_push(watch->arena, watch->sent, sent);
    map_put_id(watch->texts, key, own);
    watch->bytes += strlen(text);
}

static void
rows_take(Watch *watch, const PgResult *rows)
{
    static char is_seen;
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        const char *text = pg_result_text(rows, row, 2);
        uint64_t execution =
            hash_combine((uint64_t)pg_result_int(rows, row, 0, 0), (uint64_t)pg_result_int(rows, row, 1, 0));
        watch->looked_us = pg_result_int(rows, row, 4, watch->looked_us);
        watch->received_bytes += strlen(text);
        if (map_get_id(watch->executions, execution) != NULL ||
            map_count(watch->executions) >= EXECUTIONS_MOST || !text_is_valid_utf8(text, strlen(text)))
            continue;
        map_put_id(watch->executions, execution, &is_seen);
        execution_take(watch, text, pg_result_int(rows, row, 3, 0));
    }
}

static bool
watch_ask(Watch *watch, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const char *parameters[] = {arena_printf(watch->arena, "%lld", (long long)watch->looked_us),
                                watch->text_bytes_most};
    PgQuery query = {
        .text = pg_query_text(snapshot_queries, "sent", pg_connection_server_major(watch->connection)),
        .parameters = parameters,
        .parameter_count = FETTLE_COUNT_OF(parameters),
        .rows_most = LOOK_ROWS_MOST};
    if (!pg_query(watch->connection, &query, &rows, error))
        return false;
    rows_take(watch, rows);
    return true;
}

/* In a transaction of its own: in one the view stays as it was first seen. */
static bool
watch_look(Watch *watch, Error *error)
{
    if (!pg_transaction_begin_read_only(watch->connection, error))
        return error_prefix(error, "could not watch what sessions send");
    bool good = watch_ask(watch, error);
    Error ignored = {0};
    if (!good && !pg_connection_is_broken(watch->connection))
        (void)!pg_transaction_end(watch->connection, &ignored);
    return (good && pg_transaction_end(watch->connection, error)) ||
           error_prefix(error, "could not watch what sessions send");
}

/* More tells nothing new, or asks too much of the target. */
static bool
is_full(const Watch *watch)
{
    return watch->received_bytes > RECEIVED_BYTES_MOST || watch->bytes > BYTES_MOST ||
           watch->sent->count >= TEXTS_MOST || map_count(watch->executions) >= EXECUTIONS_MOST;
}

static const char *
text_bytes_most(Arena *arena, const Snapshot *snapshot)
{
    const SnapshotSetting *setting = snapshot_setting(snapshot, "track_activity_query_size");
    int64_t bytes;
    if (setting == NULL || setting->value == NULL || !text_parse_int64(setting->value, &bytes))
        bytes = 1024;
    bytes = bytes > TEXT_BYTES_MOST ? TEXT_BYTES_MOST : bytes;
    return arena_printf(arena, "%lld", (long long)(bytes - CHARACTER_BYTES_MOST));
}

bool
snapshot_read_sent(Arena *arena, PgConnection *connection, const ReadSent *options,
                   SnapshotSentList *ret_sent, Error *ret_refusal, Error *error)
{
    Watch watch = {.arena = arena,
                   .connection = connection,
                   .text_bytes_most = text_bytes_most(arena, options->snapshot),
                   .executions = map_new(arena),
                   .texts = map_new(arena),
                   .sent = ret_sent};
    Deadline end = deadline_after_ms(options->watch_ms);
    int64_t looks = options->watch_ms / LOOK_MS + 1;
    error_clear(ret_refusal);
    for (int64_t look = 0;; look++) {
        if (options->progress != NULL)
            options->progress(options->context, "watching what sessions send", look < looks ? look : looks,
                              looks);
        if (!watch_look(&watch, ret_refusal)) {
            if (!pg_connection_is_broken(connection))
                return true;
            *error = *ret_refusal;
            return false;
        }
        int left_ms = deadline_left_ms(end);
        if (left_ms <= 0 || is_full(&watch))
            return true;
        struct timespec pause = {.tv_nsec = (left_ms < LOOK_MS ? left_ms : LOOK_MS) * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}
