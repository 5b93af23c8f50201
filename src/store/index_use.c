// SPDX-License-Identifier: PostgreSQL
#include "store/index_use.h"

#include "store/statement.h"
#include "store/store_internal.h"

#include <math.h>
#include <string.h>

/* Databases that were dropped and made again have several ids; the newest counts. */
static int32_t
database_id_of(const DatabaseRows *databases, const char *name)
{
    int32_t id = 0;
    for (size_t i = 0; i < databases->count; i++)
        if (strcmp(databases->items[i].database_name, name) == 0 && databases->items[i].database_id > id)
            id = databases->items[i].database_id;
    return id;
}

bool
index_uses_read(PgConnection *session, Arena *arena, int64_t target_id, const char *database_name,
                int64_t from_us, IndexUses *ret_uses, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    DatabaseRows databases;
    *ret_uses = (IndexUses){0};
    if (!database_rows_read(session, arena, target_id, &databases, error))
        return false;
    int32_t database_id = database_id_of(&databases, database_name);
    if (database_id == 0)
        return true;
    StoreNumber target = store_number(target_id);
    StoreNumber database = store_number(database_id);
    StoreNumber from = store_number(from_us);
    if (!store_query(session, "index_uses", STORE_PARAMETERS(target.text, database.text, from.text), &rows,
                     error))
        return error_prefix(error, "could not read the use of indexes");
    ret_uses->count = (size_t)pg_result_rows(rows);
    ret_uses->items = ARENA_NEW_ARRAY(arena, IndexUse, ret_uses->count);
    for (size_t i = 0; i < ret_uses->count; i++) {
        int64_t row = (int64_t)i;
        ret_uses->items[i] = (IndexUse){.index_oid = (uint32_t)pg_result_int(rows, row, 0, 0),
                                        .observed_from_us = pg_result_int(rows, row, 1, 0),
                                        .observed_until_us = pg_result_int(rows, row, 2, 0),
                                        .last_used_at_us = pg_result_int(rows, row, 3, 0),
                                        .scans = pg_result_int(rows, row, 4, 0),
                                        .bloat_bytes = pg_result_double(rows, row, 5, NAN),
                                        .bloat_is_measured = pg_result_bool(rows, row, 6)};
    }
    return true;
}
