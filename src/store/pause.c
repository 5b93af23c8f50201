// SPDX-License-Identifier: PostgreSQL
#include "store/pause.h"

#include "store/store_internal.h"

#include <string.h>

#define SQLSTATE_NOT_READY "55000"
#define SQLSTATE_FOREIGN_KEY "23503"

bool
pause_refusal_take(Error *error)
{
    if (strcmp(error->sqlstate, SQLSTATE_NOT_READY) != 0)
        return false;
    error->code = ERROR_CONFLICT;
    error->sqlstate[0] = '\0';
    return true;
}

static bool
order_check(const PauseOrder *order, Error *error)
{
    size_t length = order->reason == NULL ? 0 : strlen(order->reason);
    if (length == 0)
        return error_set(error, ERROR_INPUT, "a pause needs a reason");
    return length <= PAUSE_REASON_BYTES ||
           error_set(error, ERROR_INPUT, "a reason has at most %d bytes", PAUSE_REASON_BYTES);
}

bool
pause_begin(PgConnection *session, const PauseOrder *order, int64_t *ret_stopped, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(order->target_id);
    if (!order_check(order, error))
        return false;
    if (store_query(session, "pause_begin",
                    STORE_PARAMETERS(order->target_id == 0 ? NULL : target.text,
                                     order->stops_undo ? "t" : "f", order->lets_finish ? "t" : "f",
                                     order->reason, order->actor),
                    &rows, error)) {
        *ret_stopped = pg_result_int(rows, 0, 1, 0);
        return true;
    }
    if (strcmp(error->sqlstate, SQLSTATE_FOREIGN_KEY) == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no target %" PRId64, order->target_id);
    return error_prefix(error, "could not begin the pause");
}

bool
pause_end(PgConnection *session, int64_t target_id, const char *actor, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(target_id);
    if (!store_query(session, "pause_end", STORE_PARAMETERS(target_id == 0 ? NULL : target.text, actor),
                     &rows, error))
        return error_prefix(error, "could not end the pause");
    if (pg_result_rows(rows) == 1)
        return true;
    error_set(error, ERROR_CONFLICT, "there is no pause of %s",
              target_id == 0 ? "all targets" : "the target");
    return error_set_hint(error, "\"fettle status\" shows those that are in force");
}

bool
pause_list(PgConnection *session, Arena *arena, Pauses *ret_pauses, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber most = store_number(PAUSES_MOST);
    if (!store_query(session, "pause_list", STORE_PARAMETERS(most.text), &rows, error))
        return error_prefix(error, "could not read the pauses");
    Pauses pauses = {.count = (size_t)pg_result_rows(rows)};
    pauses.items = ARENA_NEW_ARRAY(arena, Pause, pauses.count);
    for (size_t i = 0; i < pauses.count; i++) {
        int64_t row = (int64_t)i;
        const char *name = pg_result_text(rows, row, 2);
        pauses.items[i] = (Pause){.id = pg_result_int(rows, row, 0, 0),
                                  .target_id = pg_result_int(rows, row, 1, 0),
                                  .target_name = name == NULL ? NULL : arena_strdup(arena, name),
                                  .stops_undo = pg_result_bool(rows, row, 3),
                                  .reason = arena_strdup(arena, pg_result_text(rows, row, 4)),
                                  .paused_by = arena_strdup(arena, pg_result_text(rows, row, 5)),
                                  .paused_at_us = pg_result_int(rows, row, 6, 0)};
    }
    *ret_pauses = pauses;
    return true;
}

bool
pause_check(PgConnection *session, int64_t target_id, bool is_undo, Error *error)
{
    StoreNumber target = store_number(target_id);
    if (store_query(session, "pause_check", STORE_PARAMETERS(target.text, is_undo ? "t" : "f"), NULL, error))
        return true;
    return !pause_refusal_take(error) && error_prefix(error, "could not look for a pause");
}
