// SPDX-License-Identifier: PostgreSQL
#include "collect/postgres_internal.h"

#define WORD_BYTES 63

/*
 * The view joins each session with the names of its database and its role, which nobody asks for here: the
 * function beneath it costs the target a third. It is used where it has what is asked for under the view's
 * names.
 */
static const char *
activity_relation(const PostgresSession *session)
{
    static const char *const wanted[] = {"pg_stat_get_activity.datid",
                                         "pg_stat_get_activity.usesysid",
                                         "pg_stat_get_activity.pid",
                                         "pg_stat_get_activity.state",
                                         "pg_stat_get_activity.wait_event_type",
                                         "pg_stat_get_activity.wait_event",
                                         "pg_stat_get_activity.backend_type"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wanted); i++)
        if (!postgres_has(session, wanted[i]))
            return "pg_stat_activity";
    /* the statement's number is of the one that is asked, or of none */
    bool view_has_id = postgres_has(session, "pg_stat_activity.query_id");
    return view_has_id == postgres_has(session, "pg_stat_get_activity.query_id")
               ? "pg_stat_get_activity(null)"
               : "pg_stat_activity";
}

static const char *
word_or(Arena *arena, const PgResult *result, int64_t row, int column, const char *fallback)
{
    const char *word = postgres_text(arena, result, row, column, WORD_BYTES);
    return word == NULL ? fallback : word;
}

bool
postgres_activity_read(SourceSession *base, Arena *arena, Deadline deadline, SourceActivities *ret_activities,
                       Error *error)
{
    PostgresSession *session = (PostgresSession *)base;
    session->deadline = deadline;
    if (session->activity_text == NULL) {
        const PostgresFill fills[] = {
            {"query_id", postgres_choose(session, "pg_stat_activity.query_id", "query_id", "null::bigint")},
            {"activity", activity_relation(session)},
            {NULL, NULL}};
        session->activity_text = postgres_query_text(session, session->arena, "activity", fills);
    }
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    PostgresQuestion question = {
        .text = session->activity_text, .is_repeated = true, .rows_most = SOURCE_ACTIVITY_MOST};
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
                             .state = word_or(arena, result, row, 3, ""),
                             .wait_type = word_or(arena, result, row, 4, "CPU"),
                             .wait_event = word_or(arena, result, row, 5, ""),
                             .sessions = 1};
    }
    return true;
}
