// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#define WORD_BYTES 63

bool
postgres_activity_read(SourceSession *base, Arena *arena, Deadline deadline, SourceActivities *ret_activities,
                       Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    session->deadline = deadline;
    if (session->activity_text == NULL) {
        const PostgresFill fills[] = {
            {"query_id", postgres_choose(session, "pg_stat_activity.query_id", "query_id", "null::bigint")},
            {NULL, NULL}};
        session->activity_text = postgres_query_text(session, session->arena, "activity", fills);
    }
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {.text = session->activity_text, .rows_most = SOURCE_ACTIVITY_MOST};
    if (!postgres_ask(session, &question, &result, error))
        return error_prefix(error, "could not read the activity of sessions");
    ret_activities->count = (size_t)pg_result_rows(result);
    ret_activities->items = ARENA_NEW_ARRAY(arena, SourceActivity, ret_activities->count);
    for (size_t i = 0; i < ret_activities->count; i++) {
        int64_t row = (int64_t)i;
        ret_activities->items[i] =
            (SourceActivity){.database_oid = (uint32_t)pg_result_int(result, row, 0, 0),
                             .user_oid = (uint32_t)pg_result_int(result, row, 1, 0),
                             .queryid = pg_result_int(result, row, 2, 0),
                             .state = postgres_text(arena, result, row, 3, WORD_BYTES),
                             .wait_type = postgres_text(arena, result, row, 4, WORD_BYTES),
                             .wait_event = postgres_text(arena, result, row, 5, WORD_BYTES),
                             .sessions = pg_result_int(result, row, 6, 1)};
    }
    return true;
}
