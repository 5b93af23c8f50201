// SPDX-License-Identifier: PostgreSQL
#include "store/changes_touched.h"

#include "store/store_internal.h"

bool
changes_touched_read(PgConnection *session, Arena *arena, const ChangesWithin *within,
                     ChangesTouched *ret_touched, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    StoreNumber target = store_number(within->target_id);
    StoreNumber from = store_number(within->from_us);
    StoreNumber to = store_number(within->to_us);
    StoreNumber most = store_number(CHANGES_TOUCHED_MOST + 1);
    if (!store_query(session, "changes_touched",
                     STORE_PARAMETERS(target.text, within->database_name, from.text, to.text, most.text),
                     &rows, error))
        return error_prefix(error, "could not read what was changed meanwhile");
    size_t count = (size_t)pg_result_rows(rows);
    if (count > CHANGES_TOUCHED_MOST)
        return error_set(error, ERROR_INPUT, "more than %d tables and queries were changed meanwhile",
                         CHANGES_TOUCHED_MOST);
    ChangesTouched touched = {.items = ARENA_NEW_ARRAY(arena, TouchedThing, count), .count = count};
    for (int row = 0; row < (int)count; row++)
        touched.items[row] = (TouchedThing){.schema_name = arena_strdup(arena, pg_result_text(rows, row, 0)),
                                            .table_name = arena_strdup(arena, pg_result_text(rows, row, 1)),
                                            .query_hash = pg_result_int(rows, row, 2, 0)};
    *ret_touched = touched;
    return true;
}
