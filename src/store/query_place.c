// SPDX-License-Identifier: PostgreSQL
#include "store/query_place.h"

#include "store/store_internal.h"

bool
query_places_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t query_hash, bool with_texts,
                  QueryPlaces *ret_places, Error *error)
{
    StoreNumber target = store_number(target_id);
    StoreNumber hash = store_number(query_hash);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query_prepared(
            session, "query_places",
            STORE_PARAMETERS(target_id == 0 ? NULL : target.text, hash.text, with_texts ? "true" : "false"),
            &rows, error))
        return error_prefix(error, "could not read where the query is known");
    size_t count = (size_t)pg_result_rows(rows);
    fettle_assert(count <= QUERY_PLACES_MOST);
    ret_places->count = count;
    ret_places->items = ARENA_NEW_ARRAY(arena, QueryPlace, count);
    for (size_t i = 0; i < count; i++) {
        int64_t row = (int64_t)i;
        ret_places->items[i] =
            (QueryPlace){.target_id = pg_result_int(rows, row, 0, 0),
                         .target_name = arena_strdup(arena, pg_result_text(rows, row, 1)),
                         .statement_id = (int32_t)pg_result_int(rows, row, 2, 0),
                         .database_name = arena_strdup(arena, pg_result_text(rows, row, 3)),
                         .user_name = arena_strdup(arena, pg_result_text(rows, row, 4)),
                         .queryid = pg_result_int(rows, row, 5, 0),
                         .fingerprint_hash = pg_result_int(rows, row, 6, 0),
                         .is_toplevel = pg_result_bool(rows, row, 7),
                         .query_text = arena_strdup(arena, pg_result_text(rows, row, 8)),
                         .first_seen_us = pg_result_int(rows, row, 9, 0),
                         .last_seen_us = pg_result_int(rows, row, 10, 0)};
    }
    return true;
}
