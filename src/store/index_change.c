// SPDX-License-Identifier: PostgreSQL
#include "store/index_change.h"

#include "pg/identifier.h"
#include "store/pause.h"
#include "store/store_internal.h"

#include <math.h>
#include <string.h>

#define SQLSTATE_UNIQUE "23505"

bool
index_change_begin(PgConnection *session, Arena *arena, const IndexChange *change, int64_t *ret_id,
                   Error *error)
{
    fettle_assert(change->sql != NULL && change->undo_sql != NULL);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber recommendation = store_number(change->recommendation_id);
    StoreNumber target = store_number(change->target_id);
    StoreNumber before = store_number(change->begin_before_us);
    const char *columns = pg_array_literal(arena, change->columns, change->column_count);
    if (store_query(session, "index_change_begin",
                    STORE_PARAMETERS(change->recommendation_id == 0 ? NULL : recommendation.text, target.text,
                                     change->database_name, change->action, change->schema_name,
                                     change->table_name, change->index_name, columns, change->index_type,
                                     change->sql, change->undo_sql, change->performed_by,
                                     change->is_undo ? "t" : "f",
                                     change->begin_before_us == 0 ? NULL : before.text),
                    &rows, error)) {
        *ret_id = pg_result_int(rows, 0, 0, 0);
        return true;
    }
    if (strcmp(error->sqlstate, SQLSTATE_UNIQUE) != 0)
        return !pause_refusal_take(error) && error_prefix(error, "could not record the change");
    error_clear(error);
    error_set(error, ERROR_CONFLICT, "another index of %s.%s is being created or dropped",
              change->schema_name, change->table_name);
    return error_set_hint(error, "wait for it, or cancel it; the history names it");
}

static bool
refuse_over(int64_t id, Error *error)
{
    error_set(error, ERROR_NOT_FOUND, "there is no open index change %" PRId64, id);
    return error_set_hint(error, "the history lists them");
}

bool
index_change_attempt(PgConnection *session, int64_t id, int backend_pid, bool must_finish,
                     bool *ret_wants_cancel, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber pid = store_number(backend_pid);
    if (!store_query(session, "index_change_attempt",
                     STORE_PARAMETERS(number.text, pid.text, must_finish ? "t" : "f"), &rows, error))
        return error_prefix(error, "could not record the attempt");
    if (pg_result_rows(rows) == 0)
        return refuse_over(id, error);
    *ret_wants_cancel = pg_result_bool(rows, 0, 0);
    return true;
}

bool
index_change_not_begun(PgConnection *session, int64_t id, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "index_change_not_begun", STORE_PARAMETERS(number.text), NULL, error) ||
           error_prefix(error, "could not record that nothing was sent");
}

static const char *
number_or_null(const StoreNumber *number, int64_t value)
{
    return value == 0 ? NULL : number->text;
}

bool
index_change_sent(PgConnection *session, int64_t id, const IndexSent *sent, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber oid = store_number(sent->index_oid);
    StoreNumber identifier = store_number(sent->system_identifier);
    StoreNumber server_start = store_number(sent->server_start_us);
    StoreNumber pid = store_number(sent->pid);
    StoreNumber backend_start = store_number(sent->backend_start_us);
    if (!store_query(session, "index_change_sent",
                     STORE_PARAMETERS(number.text, sent->action, number_or_null(&oid, sent->index_oid),
                                      number_or_null(&identifier, sent->system_identifier),
                                      number_or_null(&server_start, sent->server_start_us),
                                      number_or_null(&pid, sent->pid),
                                      number_or_null(&backend_start, sent->backend_start_us)),
                     &rows, error))
        return error_prefix(error, "could not record what is sent");
    return pg_result_rows(rows) == 1 || refuse_over(id, error);
}

bool
index_change_progress(PgConnection *session, int64_t id, const char *progress, bool *ret_wants_cancel,
                      Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "index_change_progress", STORE_PARAMETERS(number.text, progress), &rows, error))
        return error_prefix(error, "could not record the progress");
    if (pg_result_rows(rows) == 0)
        return refuse_over(id, error);
    *ret_wants_cancel = pg_result_bool(rows, 0, 0);
    return true;
}

/* The change is done whether or not its measurement can be begun; the history says so. */
static bool
implementation_open(PgConnection *session, int64_t id, Error *error)
{
    Error failure = {0};
    StoreNumber number = store_number(id);
    if (!pg_execute(session, "SAVEPOINT fettle_implementation", error))
        return false;
    if (store_query(session, "index_change_implement", STORE_PARAMETERS(number.text), NULL, &failure))
        return pg_execute(session, "RELEASE SAVEPOINT fettle_implementation", error);
    (void)!error_prefix(&failure, "done, but its measurement could not be begun");
    return pg_execute(session, "ROLLBACK TO SAVEPOINT fettle_implementation", error) &&
           store_query(session, "index_change_remark", STORE_PARAMETERS(number.text, failure.message), NULL,
                       error);
}

static bool
end_write(PgConnection *session, int64_t id, const char *state, const char *error_message, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "index_change_end", STORE_PARAMETERS(number.text, state, error_message), &rows,
                     error))
        return false;
    bool is_done = pg_result_rows(rows) == 1 && strcmp(state, "completed") == 0;
    return !is_done || implementation_open(session, id, error);
}

bool
index_change_end(PgConnection *session, int64_t id, const char *state, const char *error_message,
                 Error *error)
{
    Error ignored = {0};
    bool is_within = pg_connection_is_in_transaction(session);
    bool good = (is_within || pg_execute(session, "BEGIN", error)) &&
                end_write(session, id, state, error_message, error) &&
                (is_within || pg_execute(session, "COMMIT", error));
    if (!good && !is_within && pg_connection_is_in_transaction(session))
        (void)!pg_transaction_end(session, &ignored);
    return good || error_prefix(error, "could not record the change's end");
}

bool
index_change_note(PgConnection *session, int64_t id, const char *message, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "index_change_note", STORE_PARAMETERS(number.text, message), NULL, error) ||
           error_prefix(error, "could not note why the change is open");
}

bool
index_change_cancel(PgConnection *session, int64_t id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "index_change_cancel", STORE_PARAMETERS(number.text), &rows, error))
        return error_prefix(error, "could not ask for the change's end");
    return pg_result_rows(rows) == 1 || refuse_over(id, error);
}

bool
index_change_stop(PgConnection *session, int64_t id, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "index_change_stop", STORE_PARAMETERS(number.text), NULL, error) ||
           error_prefix(error, "could not record that the change was stopped");
}

bool
index_change_takes_back(PgConnection *session, int64_t id, const char *index_name, bool *ret_does,
                        Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "index_change_takes_back", STORE_PARAMETERS(number.text, index_name), &rows,
                     error))
        return error_prefix(error, "could not look for the change that made the index");
    *ret_does = pg_result_bool(rows, 0, 0);
    return true;
}

bool
index_change_lock(PgConnection *session, int64_t id, bool *ret_locked, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "index_change_lock", STORE_PARAMETERS(number.text), &rows, error))
        return error_prefix(error, "could not lock the change");
    *ret_locked = pg_result_bool(rows, 0, 0);
    return true;
}

bool
index_change_unlock(PgConnection *session, int64_t id, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "index_change_unlock", STORE_PARAMETERS(number.text), NULL, error);
}

static bool
change_read_row(const PgResult *rows, int64_t row, Arena *arena, IndexChange *change, Error *error)
{
    const char **columns = NULL;
    const char *success = pg_result_text(rows, row, 13);
    *change = (IndexChange){.id = pg_result_int(rows, row, 0, 0),
                            .recommendation_id = pg_result_int(rows, row, 1, 0),
                            .target_id = pg_result_int(rows, row, 2, 0),
                            .database_name = arena_strdup(arena, pg_result_text(rows, row, 3)),
                            .action = arena_strdup(arena, pg_result_text(rows, row, 4)),
                            .schema_name = arena_strdup(arena, pg_result_text(rows, row, 5)),
                            .table_name = arena_strdup(arena, pg_result_text(rows, row, 6)),
                            .index_name = arena_strdup(arena, pg_result_text(rows, row, 7)),
                            .index_type = arena_strdup(arena, pg_result_text(rows, row, 9)),
                            .sql = arena_strdup(arena, pg_result_text(rows, row, 10)),
                            .undo_sql = arena_strdup(arena, pg_result_text(rows, row, 11)),
                            .state = arena_strdup(arena, pg_result_text(rows, row, 12)),
                            .success = success == NULL ? -1 : pg_result_bool(rows, row, 13),
                            .error_message = arena_strdup(arena, pg_result_text(rows, row, 14)),
                            .duration_ms = pg_result_double(rows, row, 15, NAN),
                            .performed_by = arena_strdup(arena, pg_result_text(rows, row, 16)),
                            .performed_at_us = pg_result_int(rows, row, 17, 0),
                            .started_at_us = pg_result_int(rows, row, 18, 0),
                            .completed_at_us = pg_result_int(rows, row, 19, 0),
                            .attempts = pg_result_int(rows, row, 20, 0),
                            .backend_pid = pg_result_int(rows, row, 21, 0),
                            .progress = arena_strdup(arena, pg_result_text(rows, row, 22)),
                            .wants_cancel = pg_result_bool(rows, row, 23),
                            .is_undo = pg_result_bool(rows, row, 25),
                            .doing = arena_strdup(arena, pg_result_text(rows, row, 32)),
                            .sent = {.action = arena_strdup(arena, pg_result_text(rows, row, 26)),
                                     .index_oid = (uint32_t)pg_result_int(rows, row, 27, 0),
                                     .system_identifier = pg_result_int(rows, row, 28, 0),
                                     .server_start_us = pg_result_int(rows, row, 29, 0),
                                     .pid = pg_result_int(rows, row, 30, 0),
                                     .backend_start_us = pg_result_int(rows, row, 31, 0)}};
    const char *list = pg_result_text(rows, row, 8);
    if (list != NULL && !pg_array_parse(arena, list, &columns, &change->column_count))
        return error_set(error, ERROR_DAMAGED, "the columns of index change %" PRId64 " cannot be read",
                         change->id);
    change->columns = columns;
    return true;
}

static bool
changes_read(PgConnection *session, Arena *arena, const char *const *parameters, IndexChanges *ret_changes,
             Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "index_change_list", parameters, 4, &rows, error))
        return error_prefix(error, "could not read the index changes");
    IndexChanges changes = {.count = (size_t)pg_result_rows(rows)};
    changes.items = ARENA_NEW_ARRAY(arena, IndexChange, changes.count);
    changes.total = changes.count == 0 ? 0 : pg_result_int(rows, 0, 24, 0);
    for (size_t i = 0; i < changes.count; i++)
        if (!change_read_row(rows, (int64_t)i, arena, &changes.items[i], error))
            return false;
    *ret_changes = changes;
    return true;
}

bool
index_change_get(PgConnection *session, Arena *arena, int64_t id, IndexChange *ret_change, Error *error)
{
    StoreNumber number = store_number(id);
    const char *parameters[] = {number.text, NULL, "false", "1"};
    IndexChanges changes;
    if (!changes_read(session, arena, parameters, &changes, error))
        return false;
    if (changes.count == 0) {
        error_set(error, ERROR_NOT_FOUND, "there is no index change %" PRId64, id);
        return error_set_hint(error, "the history lists them");
    }
    *ret_change = changes.items[0];
    return true;
}

bool
index_change_list(PgConnection *session, Arena *arena, int64_t target_id, bool only_open, size_t most,
                  IndexChanges *ret_changes, Error *error)
{
    fettle_assert(most >= 1 && most <= INDEX_CHANGES_MOST);
    StoreNumber target = store_number(target_id);
    StoreNumber limit = store_number((int64_t)most);
    const char *parameters[] = {NULL, target_id == 0 ? NULL : target.text, only_open ? "true" : "false",
                                limit.text};
    return changes_read(session, arena, parameters, ret_changes, error);
}
