// SPDX-License-Identifier: PostgreSQL
#include "store/statement.h"

#include "store/sample_internal.h"
#include "store/store_internal.h"

#include <string.h>

#define STATEMENT_COLUMNS 10
#define OWN_BYTES ((size_t)16 << 20)

static void
statement_row_take(Arena *arena, const PgResult *rows, int64_t row, StatementRow *ret_row)
{
    *ret_row = (StatementRow){.statement_id = (int32_t)pg_result_int(rows, row, 0, 0),
                              .database_id = (int32_t)pg_result_int(rows, row, 1, 0),
                              .user_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                              .user_oid = (uint32_t)pg_result_int(rows, row, 3, 0),
                              .queryid = pg_result_int(rows, row, 4, 0),
                              .query_hash = pg_result_int(rows, row, 5, 0),
                              .is_toplevel = pg_result_bool(rows, row, 6),
                              .fingerprint_hash = pg_result_int(rows, row, 7, 0),
                              .query_text = arena_strdup(arena, pg_result_text(rows, row, 8))};
}

bool
statement_rows_read(PgConnection *session, Arena *arena, int64_t target_id, bool with_texts,
                    StatementRows *ret_rows, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "statement_rows", STORE_PARAMETERS(target.text, with_texts ? "t" : "f"), &rows,
                     error))
        return error_prefix(error, "could not read the statements of a target");
    size_t count = (size_t)pg_result_rows(rows);
    StatementRow *items = ARENA_NEW_ARRAY(arena, StatementRow, count);
    for (size_t i = 0; i < count; i++)
        statement_row_take(arena, rows, (int64_t)i, &items[i]);
    *ret_rows = (StatementRows){.items = items, .count = count};
    return true;
}

bool
statements_are_own(PgConnection *session, int64_t target_id, const int64_t *hashes, size_t count,
                   bool *ret_are_own, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("own statements", OWN_BYTES);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    const char *list = sample_numbers_text(arena, hashes, count);
    if (!store_query(session, "statements_own", STORE_PARAMETERS(target.text, list, STATEMENT_OWN_MARK),
                     &rows, error))
        return error_prefix(error, "could not read the statements of a target");
    fettle_assert((size_t)pg_result_rows(rows) == count);
    for (size_t i = 0; i < count; i++)
        ret_are_own[i] = pg_result_bool(rows, (int64_t)i, 0);
    return true;
}

bool
database_rows_read(PgConnection *session, Arena *arena, int64_t target_id, DatabaseRows *ret_rows,
                   Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "statement_databases", STORE_PARAMETERS(target.text), &rows, error))
        return error_prefix(error, "could not read the databases of a target");
    size_t count = (size_t)pg_result_rows(rows);
    DatabaseRow *items = ARENA_NEW_ARRAY(arena, DatabaseRow, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (DatabaseRow){
            .database_id = (int32_t)pg_result_int(rows, (int64_t)i, 0, 0),
            .database_oid = (uint32_t)pg_result_int(rows, (int64_t)i, 1, 0),
            .database_name = arena_strdup(arena, pg_result_text(rows, (int64_t)i, 2)),
        };
    *ret_rows = (DatabaseRows){.items = items, .count = count};
    return true;
}

/* The text, cut at the limit before a character that does not fit. */
static const char *
statement_text(Arena *arena, const char *text)
{
    if (text == NULL || strlen(text) <= STATEMENT_TEXT_BYTES_MOST)
        return text;
    size_t length = STATEMENT_TEXT_BYTES_MOST;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
        length--;
    return arena_strndup(arena, text, length);
}

static void
statement_columns(Arena *arena, int64_t target_id, const StatementRow *row, const char **columns)
{
    fettle_assert(row->statement_id > 0 && row->query_hash > 0);
    columns[0] = arena_strdup(arena, store_number(target_id).text);
    columns[1] = arena_strdup(arena, store_number(row->statement_id).text);
    columns[2] = arena_strdup(arena, store_number(row->database_id).text);
    columns[3] = row->user_name;
    columns[4] = arena_strdup(arena, store_number(row->user_oid).text);
    columns[5] = arena_strdup(arena, store_number(row->queryid).text);
    columns[6] = arena_strdup(arena, store_number(row->query_hash).text);
    columns[7] = row->is_toplevel ? "t" : "f";
    columns[8] =
        row->fingerprint_hash == 0 ? NULL : arena_strdup(arena, store_number(row->fingerprint_hash).text);
    columns[9] = statement_text(arena, row->query_text);
}

static bool
session_end(PgConnection *session, bool is_good, Error *error)
{
    if (is_good && pg_execute(session, "COMMIT", error))
        return true;
    Error ignored = {0};
    if (!pg_connection_is_broken(session) && !pg_execute(session, "ROLLBACK", &ignored))
        error_clear(&ignored);
    return false;
}

bool
statement_rows_write(PgConnection *session, int64_t target_id, const StatementRow *rows, size_t count,
                     Error *error)
{
    if (count == 0)
        return true;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("statements", (size_t)4 << 30);
    const char **values = ARENA_NEW_ARRAY(arena, const char *, count *STATEMENT_COLUMNS);
    for (size_t i = 0; i < count; i++)
        statement_columns(arena, target_id, &rows[i], values + i * STATEMENT_COLUMNS);
    bool is_good = pg_execute(session, "BEGIN", error) &&
                   store_query(session, "statement_staging_make", NULL, 0, NULL, error) &&
                   pg_copy_in(session, "COPY pg_temp.statements_staging FROM STDIN", values, count,
                              STATEMENT_COLUMNS, error) &&
                   store_query(session, "statement_staging_take", NULL, 0, NULL, error) &&
                   store_query(session, "statement_fingerprints", NULL, 0, NULL, error);
    return session_end(session, is_good, error) || error_prefix(error, "could not write statements");
}

bool
database_rows_write(PgConnection *session, int64_t target_id, const DatabaseRow *rows, size_t count,
                    Error *error)
{
    StoreNumber target = store_number(target_id);
    bool is_good = count == 0 || pg_execute(session, "BEGIN", error);
    for (size_t i = 0; i < count && is_good; i++) {
        StoreNumber database = store_number(rows[i].database_id);
        StoreNumber oid = store_number(rows[i].database_oid);
        is_good = store_query(session, "statement_database_write",
                              STORE_PARAMETERS(target.text, database.text, oid.text, rows[i].database_name),
                              NULL, error);
    }
    return count == 0 || session_end(session, is_good, error) ||
           error_prefix(error, "could not write the databases of a target");
}
