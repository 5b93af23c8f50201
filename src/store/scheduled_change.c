// SPDX-License-Identifier: PostgreSQL
#include "store/scheduled_change.h"

#include "store/store_internal.h"

#include <string.h>

#define SQLSTATE_UNIQUE "23505"

bool
scheduled_change_open(PgConnection *session, const ScheduledChange *change, int64_t *ret_id, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(change->target_id);
    StoreNumber recommendation = store_number(change->recommendation_id);
    StoreNumber from = store_number(change->from_us);
    StoreNumber to = store_number(change->to_us);
    StoreNumber expires = store_number(change->expires_us);
    StoreNumber hash = store_number(change->query_hash);
    if (change->pre_stats != NULL && strlen(change->pre_stats) > SCHEDULED_FIGURES_BYTES)
        return error_set(error, ERROR_INPUT, "the figures of what waits have at most %d bytes",
                         SCHEDULED_FIGURES_BYTES);
    if (store_query(session, "scheduled_change_open",
                    STORE_PARAMETERS(target.text, recommendation.text, change->text, change->moment,
                                     from.text, to.text, expires.text, change->sql,
                                     change->query_hash == 0 ? NULL : hash.text, change->notes,
                                     change->pre_stats, change->requested_by),
                    &rows, error)) {
        *ret_id = pg_result_int(rows, 0, 0, 0);
        return true;
    }
    if (strcmp(error->sqlstate, SQLSTATE_UNIQUE) != 0)
        return error_prefix(error, "could not record when the change is to be made");
    error_clear(error);
    error_set(error, ERROR_CONFLICT, "recommendation %" PRId64 " waits for its moment already",
              change->recommendation_id);
    return error_set_hint(error, "\"fettle schedule\" shows it; cancel it to plan it anew");
}

static ScheduledChange
row_read(const PgResult *rows, int64_t row, Arena *arena)
{
    return (ScheduledChange){.id = pg_result_int(rows, row, 0, 0),
                             .target_id = pg_result_int(rows, row, 1, 0),
                             .target_name = arena_strdup(arena, pg_result_text(rows, row, 2)),
                             .recommendation_id = pg_result_int(rows, row, 3, 0),
                             .text = arena_strdup(arena, pg_result_text(rows, row, 4)),
                             .moment = arena_strdup(arena, pg_result_text(rows, row, 5)),
                             .from_us = pg_result_int(rows, row, 6, 0),
                             .to_us = pg_result_int(rows, row, 7, 0),
                             .expires_us = pg_result_int(rows, row, 8, 0),
                             .sql = arena_strdup(arena, pg_result_text(rows, row, 9)),
                             .query_hash = pg_result_int(rows, row, 10, 0),
                             .notes = arena_strdup(arena, pg_result_text(rows, row, 11)),
                             .pre_stats = arena_strdup(arena, pg_result_text(rows, row, 12)),
                             .state = arena_strdup(arena, pg_result_text(rows, row, 13)),
                             .message = arena_strdup(arena, pg_result_text(rows, row, 14)),
                             .implementation_id = pg_result_int(rows, row, 15, 0),
                             .requested_by = arena_strdup(arena, pg_result_text(rows, row, 16)),
                             .created_at_us = pg_result_int(rows, row, 17, 0),
                             .ended_at_us = pg_result_int(rows, row, 18, 0)};
}

static bool
rows_read(PgConnection *session, Arena *arena, int64_t id, const ScheduledFilter *filter,
          ScheduledChanges *ret_list, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber target = store_number(filter->target_id);
    StoreNumber due = store_number(filter->due_us);
    StoreNumber limit = store_number((int64_t)filter->limit);
    if (!store_query(session, "scheduled_change_list",
                     STORE_PARAMETERS(id == 0 ? NULL : number.text,
                                      filter->target_id == 0 ? NULL : target.text, filter->state,
                                      filter->due_us == 0 ? NULL : due.text, limit.text),
                     &rows, error))
        return error_prefix(error, "could not read the scheduled changes");
    ScheduledChanges list = {.count = (size_t)pg_result_rows(rows)};
    list.items = ARENA_NEW_ARRAY(arena, ScheduledChange, list.count);
    for (size_t i = 0; i < list.count; i++)
        list.items[i] = row_read(rows, (int64_t)i, arena);
    *ret_list = list;
    return true;
}

bool
scheduled_change_list(PgConnection *session, Arena *arena, const ScheduledFilter *filter,
                      ScheduledChanges *ret_list, Error *error)
{
    fettle_assert(filter->limit >= 1 && filter->limit <= SCHEDULED_CHANGES_MOST);
    return rows_read(session, arena, 0, filter, ret_list, error);
}

bool
scheduled_change_get(PgConnection *session, Arena *arena, int64_t id, ScheduledChange *ret_change,
                     Error *error)
{
    ScheduledChanges list;
    if (!rows_read(session, arena, id, &(ScheduledFilter){.limit = 1}, &list, error))
        return false;
    if (list.count == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no scheduled change %" PRId64, id);
    *ret_change = list.items[0];
    return true;
}

bool
scheduled_change_is_awaited(PgConnection *session, bool *ret_is_awaited, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *row = NULL;
    if (!store_query(session, "scheduled_change_is_awaited", NULL, 0, &row, error))
        return error_prefix(error, "could not look for scheduled changes");
    *ret_is_awaited = pg_result_bool(row, 0, 0);
    return true;
}

bool
scheduled_change_expire(PgConnection *session, int64_t kept_ms, Error *error)
{
    StoreNumber kept = store_number(kept_ms);
    return store_query(session, "scheduled_change_expire", STORE_PARAMETERS(kept.text), NULL, error) ||
           error_prefix(error, "could not drop old scheduled changes");
}

bool
scheduled_change_move(PgConnection *session, int64_t id, int64_t from_us, int64_t to_us, const char *message,
                      Error *error)
{
    StoreNumber number = store_number(id);
    StoreNumber from = store_number(from_us);
    StoreNumber to = store_number(to_us);
    return store_query(session, "scheduled_change_move",
                       STORE_PARAMETERS(number.text, from.text, to.text, message), NULL, error) ||
           error_prefix(error, "could not plan the change anew");
}

bool
scheduled_change_end(PgConnection *session, int64_t id, const ScheduledEnd *end, int64_t *ret_target_id,
                     Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber number = store_number(id);
    StoreNumber implementation = store_number(end->implementation_id);
    if (!store_query(session, "scheduled_change_end",
                     STORE_PARAMETERS(number.text, end->state, end->message,
                                      end->implementation_id == 0 ? NULL : implementation.text),
                     &rows, error))
        return error_prefix(error, "could not record the end of the scheduled change");
    if (pg_result_rows(rows) == 0)
        return error_set(error, ERROR_CONFLICT, "scheduled change %" PRId64 " does not wait (any more)", id);
    *ret_target_id = pg_result_int(rows, 0, 0, 0);
    return true;
}
