// SPDX-License-Identifier: PostgreSQL
#include "store/implementation.h"

#include "store/store_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SQLSTATE_NO_DATA "P0002"
#define SQLSTATE_IN_USE "55006"
#define SQLSTATE_NOT_READY "55000"

/* What the store's functions refuse by their own words is meant for who asked. */
static bool
refusal_take(Error *error)
{
    bool is_missing = strcmp(error->sqlstate, SQLSTATE_NO_DATA) == 0;
    if (!is_missing && strcmp(error->sqlstate, SQLSTATE_IN_USE) != 0 &&
        strcmp(error->sqlstate, SQLSTATE_NOT_READY) != 0)
        return false;
    bool is_early = strcmp(error->sqlstate, SQLSTATE_NOT_READY) == 0;
    char message[ERROR_MESSAGE_BYTES];
    snprintf(message, sizeof(message), "%s", error->message);
    char *context = strstr(message, " CONTEXT: ");
    if (context != NULL)
        *context = '\0';
    error_clear(error);
    error_fill(error, is_missing ? ERROR_NOT_FOUND : ERROR_CONFLICT, "%s", message);
    if (!is_missing)
        error_fill_hint(error, is_early ? "it is measured by itself 24 and 48 hours after it was carried out"
                                        : "see its result before it is carried out again");
    return true;
}

bool
implementation_open(PgConnection *session, const ImplementationOpening *opening, int64_t *ret_id,
                    Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber recommendation = store_number(opening->recommendation_id);
    StoreNumber hash = store_number(opening->query_hash);
    StoreNumber change = store_number(opening->change_id);
    if (!store_query(session, "implementation_open",
                     STORE_PARAMETERS(recommendation.text, opening->query_hash == 0 ? NULL : hash.text,
                                      opening->notes, opening->pre_stats,
                                      opening->change_id == 0 ? NULL : change.text),
                     &rows, error))
        return !refusal_take(error) && error_prefix(error, "could not record the implementation");
    *ret_id = pg_result_int(rows, 0, 0, 0);
    return true;
}

static Implementation
row_read(const PgResult *rows, int64_t row, Arena *arena)
{
    return (Implementation){.id = pg_result_int(rows, row, 0, 0),
                            .recommendation_id = pg_result_int(rows, row, 1, 0),
                            .target_id = pg_result_int(rows, row, 2, 0),
                            .target_name = arena_strdup(arena, pg_result_text(rows, row, 3)),
                            .query_hash = pg_result_int(rows, row, 4, 0),
                            .source_type = arena_strdup(arena, pg_result_text(rows, row, 5)),
                            .kind = arena_strdup(arena, pg_result_text(rows, row, 6)),
                            .text = arena_strdup(arena, pg_result_text(rows, row, 7)),
                            .notes = arena_strdup(arena, pg_result_text(rows, row, 8)),
                            .pre_stats = arena_strdup(arena, pg_result_text(rows, row, 9)),
                            .post_stats = arena_strdup(arena, pg_result_text(rows, row, 10)),
                            .predicted_percent = pg_result_double(rows, row, 11, NAN),
                            .actual_percent = pg_result_double(rows, row, 12, NAN),
                            .actual_low = pg_result_double(rows, row, 13, NAN),
                            .actual_high = pg_result_double(rows, row, 14, NAN),
                            .actual_seconds = pg_result_double(rows, row, 15, NAN),
                            .accuracy = pg_result_double(rows, row, 16, NAN),
                            .confidence = pg_result_double(rows, row, 17, NAN),
                            .status = arena_strdup(arena, pg_result_text(rows, row, 18)),
                            .error_message = arena_strdup(arena, pg_result_text(rows, row, 19)),
                            .implemented_at_us = pg_result_int(rows, row, 20, 0),
                            .measured_at_us = pg_result_int(rows, row, 21, 0),
                            .rolled_back_at_us = pg_result_int(rows, row, 22, 0),
                            .index_change_id = pg_result_int(rows, row, 23, 0),
                            .undo_change_id = pg_result_int(rows, row, 24, 0),
                            .undo_reason = arena_strdup(arena, pg_result_text(rows, row, 25)),
                            .harm = arena_strdup(arena, pg_result_text(rows, row, 26)),
                            .undo_sql = arena_strdup(arena, pg_result_text(rows, row, 27)),
                            .database_name = arena_strdup(arena, pg_result_text(rows, row, 28)),
                            .enough_data_at_us = pg_result_int(rows, row, 29, 0),
                            .detectable_percent = pg_result_double(rows, row, 30, NAN),
                            .undo_remark = arena_strdup(arena, pg_result_text(rows, row, 31))};
}

static bool
rows_read(PgConnection *session, Arena *arena, const char *const *parameters, Implementations *ret_list,
          Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "implementation_list", parameters, 4, &rows, error))
        return error_prefix(error, "could not read the implementations");
    Implementations list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, Implementation, list.count);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = row_read(rows, (int64_t)i, arena);
    *ret_list = list;
    return true;
}

bool
implementation_list(PgConnection *session, Arena *arena, int64_t recommendation_id, const char *status,
                    size_t limit, Implementations *ret_list, Error *error)
{
    fettle_assert(limit >= 1 && limit <= IMPLEMENTATIONS_MOST);
    StoreNumber recommendation = store_number(recommendation_id);
    StoreNumber most = store_number((int64_t)limit);
    const char *parameters[] = {NULL, recommendation_id == 0 ? NULL : recommendation.text, status, most.text};
    return rows_read(session, arena, parameters, ret_list, error);
}

bool
implementation_get(PgConnection *session, Arena *arena, int64_t id, Implementation *ret_implementation,
                   Error *error)
{
    StoreNumber number = store_number(id);
    const char *parameters[] = {number.text, NULL, NULL, "1"};
    Implementations list;
    if (!rows_read(session, arena, parameters, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no implementation %" PRId64, id);
    *ret_implementation = list.items[0];
    return true;
}

bool
implementation_measure_simply(PgConnection *session, int64_t id, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "implementation_measure", STORE_PARAMETERS(number.text), NULL, error) ||
           (!refusal_take(error) && error_prefix(error, "could not measure the implementation"));
}

/* A double as a parameter; NULL for NAN. */
static const char *
number_text(Arena *arena, double value)
{
    return isnan(value) ? NULL : arena_printf(arena, "%.17g", value);
}

bool
implementation_measured(PgConnection *session, Arena *arena, int64_t id, const ImplementationResult *result,
                        Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "implementation_measured",
                     STORE_PARAMETERS(number.text, result->post_stats,
                                      number_text(arena, result->actual_percent),
                                      number_text(arena, result->low), number_text(arena, result->high),
                                      number_text(arena, result->seconds), result->verdict, result->harm),
                     &rows, error))
        return !refusal_take(error) && error_prefix(error, "could not write the measurement");
    return pg_result_bool(rows, 0, 0) ||
           error_set(error, ERROR_NOT_FOUND, "there is no implementation %" PRId64, id);
}

bool
implementation_enough(PgConnection *session, Arena *arena, int64_t id, const ImplementationEnough *enough,
                      Error *error)
{
    StoreNumber number = store_number(id);
    StoreNumber at = store_number(enough->at_us);
    return store_query(session, "implementation_enough",
                       STORE_PARAMETERS(number.text, enough->at_us == 0 ? NULL : at.text,
                                        number_text(arena, enough->detectable_percent)),
                       NULL, error) ||
           error_prefix(error, "could not note when the implementation has enough data");
}

bool
implementations_due(PgConnection *session, Arena *arena, ImplementationDue **ret_due, size_t *ret_count,
                    Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "implementation_due", NULL, 0, &rows, error))
        return error_prefix(error, "could not look for implementations to measure");
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_due = ARENA_NEW_ARRAY(arena, ImplementationDue, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_due)[i] = (ImplementationDue){.id = pg_result_int(rows, (int64_t)i, 0, 0),
                                            .is_due = pg_result_bool(rows, (int64_t)i, 1)};
    return true;
}

bool
implementations_harmful(PgConnection *session, Arena *arena, int64_t **ret_ids, size_t *ret_count,
                        Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query(session, "implementation_harmful", NULL, 0, &rows, error))
        return error_prefix(error, "could not look for implementations to undo");
    *ret_count = (size_t)pg_result_rows(rows);
    *ret_ids = ARENA_NEW_ARRAY(arena, int64_t, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_ids)[i] = pg_result_int(rows, (int64_t)i, 0, 0);
    return true;
}

bool
implementation_undo_begin(PgConnection *session, int64_t id, int64_t change_id, const char *reason,
                          Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber change = store_number(change_id);
    if (!store_query(session, "implementation_undo", STORE_PARAMETERS(number.text, change.text, reason),
                     &rows, error))
        return error_prefix(error, "could not record the undo");
    return pg_result_rows(rows) == 1 ||
           error_set(error, ERROR_CONFLICT, "implementation %" PRId64 " is being undone, or was", id);
}

bool
implementation_undo_failed(PgConnection *session, int64_t id, const char *message, Error *error)
{
    StoreNumber number = store_number(id);
    return store_query(session, "implementation_undo_failed", STORE_PARAMETERS(number.text, message), NULL,
                       error) ||
           error_prefix(error, "could not record that the undo failed");
}

bool
implementation_reverted(PgConnection *session, int64_t id, const char *reason, const char *remark,
                        Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    if (!store_query(session, "implementation_reverted", STORE_PARAMETERS(number.text, reason, remark), &rows,
                     error))
        return error_prefix(error, "could not record the undo");
    return pg_result_rows(rows) == 1 ||
           error_set(error, ERROR_CONFLICT, "implementation %" PRId64 " is being undone, or was", id);
}

bool
implementation_outcomes(PgConnection *session, Arena *arena, int64_t target_id,
                        ImplementationOutcome **ret_outcomes, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber most = store_number(IMPLEMENTATION_OUTCOMES_MOST);
    if (!store_query(session, "implementation_outcomes",
                     STORE_PARAMETERS(target_id == 0 ? NULL : target.text, most.text), &rows, error))
        return error_prefix(error, "could not read the results");
    size_t count = (size_t)pg_result_rows(rows);
    ImplementationOutcome *outcomes = ARENA_NEW_ARRAY(arena, ImplementationOutcome, count);
    for (size_t i = 0; i < count; i++) {
        int64_t row = (int64_t)i;
        outcomes[i] =
            (ImplementationOutcome){.source_type = arena_strdup(arena, pg_result_text(rows, row, 0)),
                                    .kind = arena_strdup(arena, pg_result_text(rows, row, 1)),
                                    .target_id = pg_result_int(rows, row, 2, 0),
                                    .status = arena_strdup(arena, pg_result_text(rows, row, 3)),
                                    .predicted_percent = pg_result_double(rows, row, 4, NAN),
                                    .actual_percent = pg_result_double(rows, row, 5, NAN),
                                    .confidence = pg_result_double(rows, row, 6, NAN),
                                    .accuracy = pg_result_double(rows, row, 7, NAN),
                                    .factor = pg_result_double(rows, row, 8, NAN)};
    }
    *ret_outcomes = outcomes;
    *ret_count = count;
    return true;
}

bool
implementation_on_table(PgConnection *session, const ImplementationPlace *place, int64_t *ret_id,
                        Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(place->target_id);
    if (!store_query(session, "implementation_on_table",
                     STORE_PARAMETERS(target.text, place->database, place->schema, place->table), &rows,
                     error))
        return error_prefix(error, "could not look for changes of the table");
    *ret_id = pg_result_rows(rows) == 0 ? 0 : pg_result_int(rows, 0, 0, 0);
    return true;
}
