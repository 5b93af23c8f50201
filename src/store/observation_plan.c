// SPDX-License-Identifier: PostgreSQL
#include "store/observation_internal.h"

#include <math.h>
#include <string.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static const char *
double_text(Arena *arena, double value)
{
    return isfinite(value) ? arena_printf(arena, "%.17g", value) : NULL;
}

static const char *
bool_text(bool value)
{
    return value ? "t" : "f";
}

static bool
plan_row_write(PgConnection *session, const PlanRow *row, int64_t *ret_written, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("plan", ARENA_BYTES);
    StoreNumber target = store_number(row->target_id);
    StoreNumber hash = store_number(row->query_hash);
    StoreNumber fingerprint = store_number(row->fingerprint_hash);
    StoreNumber at = store_number(row->collected_at_us);
    StoreNumber plan = store_number((int64_t)row->plan_hash);
    const char *const parameters[] = {target.text,
                                      row->database_name,
                                      hash.text,
                                      fingerprint.text,
                                      at.text,
                                      plan.text,
                                      row->plan_json,
                                      row->plan_text,
                                      double_text(arena, row->rows_expected),
                                      double_text(arena, row->cost),
                                      bool_text(row->has_seq_scan),
                                      bool_text(row->has_index_scan),
                                      bool_text(row->has_bitmap_scan),
                                      bool_text(row->has_nested_loop),
                                      row->change_cause};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "plan_write", parameters, (int)FETTLE_COUNT_OF(parameters), &result, error))
        return false;
    *ret_written += pg_result_rows(result);
    return true;
}

bool
plan_rows_write(PgConnection *session, const PlanRow *rows, size_t count, int64_t *ret_written, Error *error)
{
    int64_t written = 0;
    if (!pg_execute(session, "BEGIN", error))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!plan_row_write(session, &rows[i], &written, error)) {
            Error ignored = {0};
            (void)!pg_transaction_end(session, &ignored);
            return error_prefix(error, "could not write plans");
        }
    if (!pg_execute(session, "COMMIT", error))
        return false;
    *ret_written = written;
    return true;
}

static size_t
text_length(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

bool
plan_rows_read(PgConnection *session, Arena *arena, const PlanRange *range, PlanRows *ret_rows, Error *error)
{
    StoreNumber target = store_number(range->target_id);
    StoreNumber hash = store_number(range->query_hash);
    StoreNumber limit = store_number((int64_t)range->most);
    StoreNumber one = store_number(PLAN_BYTES_MOST);
    StoreNumber all = store_number((int64_t)range->bytes_most);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    if (!store_query(session, "plans_read",
                     STORE_PARAMETERS(target.text, hash.text, limit.text, one.text, all.text), &result,
                     error))
        return error_prefix(error, "could not read plans");
    *ret_rows = (PlanRows){.count = (size_t)pg_result_rows(result)};
    ret_rows->items = ARENA_NEW_ARRAY(arena, PlanRow, ret_rows->count);
    for (size_t i = 0; i < ret_rows->count; i++) {
        int64_t row = (int64_t)i;
        ret_rows->items[i] = (PlanRow){.target_id = pg_result_int(result, row, 0, 0),
                                       .database_name = arena_strdup(arena, pg_result_text(result, row, 1)),
                                       .query_hash = pg_result_int(result, row, 2, 0),
                                       .fingerprint_hash = pg_result_int(result, row, 3, 0),
                                       .collected_at_us = pg_result_int(result, row, 4, 0),
                                       .plan_hash = (uint64_t)pg_result_int(result, row, 5, 0),
                                       .plan_json = arena_strdup(arena, pg_result_text(result, row, 6)),
                                       .plan_text = arena_strdup(arena, pg_result_text(result, row, 7)),
                                       .rows_expected = pg_result_double(result, row, 8, NAN),
                                       .cost = pg_result_double(result, row, 9, NAN),
                                       .has_seq_scan = pg_result_bool(result, row, 10),
                                       .has_index_scan = pg_result_bool(result, row, 11),
                                       .has_bitmap_scan = pg_result_bool(result, row, 12),
                                       .has_nested_loop = pg_result_bool(result, row, 13),
                                       .change_cause = arena_strdup(arena, pg_result_text(result, row, 14))};
        ret_rows->bytes +=
            text_length(ret_rows->items[i].plan_json) + text_length(ret_rows->items[i].plan_text);
    }
    return true;
}

bool
plan_rows_newest(PgConnection *session, Arena *arena, int64_t target_id, size_t most, PlanRows *ret_rows,
                 Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber bytes = store_number(PLAN_NEWEST_BYTES_MOST);
    StoreNumber limit = store_number((int64_t)most);
    if (!store_query(session, "plans_newest", STORE_PARAMETERS(target.text, bytes.text, limit.text), &result,
                     error))
        return error_prefix(error, "could not read plans");
    PlanRows rows = {.count = (size_t)pg_result_rows(result)};
    rows.items = ARENA_NEW_ARRAY(arena, PlanRow, rows.count);
    for (int64_t row = 0; row < pg_result_rows(result); row++)
        rows.items[row] = (PlanRow){.target_id = target_id,
                                    .database_name = arena_strdup(arena, pg_result_text(result, row, 0)),
                                    .query_hash = pg_result_int(result, row, 1, 0),
                                    .plan_json = arena_strdup(arena, pg_result_text(result, row, 2)),
                                    .rows_expected = NAN,
                                    .cost = NAN};
    *ret_rows = rows;
    return true;
}

bool
plan_changes_read(PgConnection *session, Arena *arena, const PlanChangeRange *range, PlanChange **ret_changes,
                  size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    StoreNumber target = store_number(range->target_id);
    StoreNumber at = store_number(range->at_us);
    StoreNumber near_us = store_number(range->near_us);
    Text hashes = observation_array_begin(arena);
    for (size_t i = 0; i < range->query_hash_count; i++)
        observation_array_int(&hashes, range->query_hashes[i]);
    if (!store_query(session, "plan_changes",
                     STORE_PARAMETERS(target.text, observation_array_end(&hashes), at.text, near_us.text),
                     &result, error))
        return error_prefix(error, "could not read changes of plans");
    int64_t count = pg_result_rows(result);
    *ret_changes = ARENA_NEW_ARRAY(arena, PlanChange, (size_t)count);
    *ret_count = (size_t)count;
    for (int64_t row = 0; row < count; row++)
        (*ret_changes)[row] =
            (PlanChange){.query_hash = pg_result_int(result, row, 0, 0),
                         .id = pg_result_int(result, row, 1, 0),
                         .replaced_id = pg_result_int(result, row, 2, 0),
                         .change_cause = arena_strdup(arena, pg_result_text(result, row, 3))};
    return true;
}

bool
plan_pair_read(PgConnection *session, Arena *arena, int64_t target_id, const PlanChange *change,
               const char *ret_plans[2], Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    StoreNumber target = store_number(target_id);
    StoreNumber before = store_number(change->replaced_id);
    StoreNumber now = store_number(change->id);
    StoreNumber bytes = store_number(PLAN_PAIR_BYTES_MOST);
    if (!store_query(session, "plan_pair", STORE_PARAMETERS(target.text, before.text, now.text, bytes.text),
                     &result, error))
        return error_prefix(error, "could not read the plans of a change");
    fettle_assert(pg_result_rows(result) == 1);
    for (int i = 0; i < 2; i++)
        ret_plans[i] = arena_strdup(arena, pg_result_text(result, 0, i));
    return true;
}
