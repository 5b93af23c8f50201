// SPDX-License-Identifier: PostgreSQL
#include "jobs/patterns.h"

#include "base/clock.h"
#include "store/job.h"
#include "workload/pattern.h"
#include "workload/refresh.h"

#include <string.h>

#define MINUTE_US (INT64_C(60) * 1000000)
#define DAY_US (24 * 60 * MINUTE_US)
#define PART_BYTES ((size_t)4 << 30)

/* "HH:MM" */
static bool
time_of_day_parse(const char *text, int64_t *ret_minutes)
{
    static const char most[] = "29:59";
    if (strlen(text) != strlen(most) || text[2] != ':')
        return false;
    for (size_t i = 0; i < strlen(most); i++)
        if (i != 2 && (text[i] < '0' || text[i] > most[i]))
            return false;
    int64_t hours = (text[0] - '0') * 10 + (text[1] - '0');
    *ret_minutes = hours * 60 + (text[3] - '0') * 10 + (text[4] - '0');
    return hours < 24;
}

bool
patterns_due(const char *schedule, int64_t now_us, int64_t *ret_due_us, Error *error)
{
    int64_t minutes = 0;
    *ret_due_us = 0;
    if (schedule[0] == '\0')
        return true;
    if (!time_of_day_parse(schedule, &minutes)) {
        error_set(error, ERROR_INPUT, "patterns.schedule: \"%.40s\" is no time of day", schedule);
        return error_set_hint(error, "write it as 03:10, in UTC, or leave it empty");
    }
    int64_t due_us = now_us - now_us % DAY_US + minutes * MINUTE_US;
    *ret_due_us = due_us <= now_us ? due_us : due_us - DAY_US;
    return true;
}

bool
patterns_were_refreshed(Store *store, Arena *arena, int64_t due_us, bool *ret_is_done, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    Job like = {.kind = PATTERNS_JOB};
    JobList list;
    if (!store_session_take(store, 0, &session, error) ||
        !job_list(session.connection, arena, &like, 0, 1, &list, error))
        return false;
    *ret_is_done = list.count > 0 && list.items[0].created_at_us >= due_us;
    return true;
}

bool
patterns_refresh(Store *store, const int64_t *target_ids, size_t count, int64_t *ret_found, Error *error)
{
    FETTLE_CLEANUP(store_session_close_at) StoreSession session = {0};
    *ret_found = 0;
    if (!store_session_take(store, 0, &session, error))
        return false;
    store_session_retire(&session);
    for (size_t at = 0; at < count; at += REFRESH_TARGETS_MOST) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("patterns", PART_BYTES);
        PatternRefresh what = {.target_ids = target_ids + at,
                               .target_count =
                                   count - at < REFRESH_TARGETS_MOST ? count - at : REFRESH_TARGETS_MOST,
                               .lookback_days = PATTERN_LOOKBACK_DAYS,
                               .now_us = clock_wall_us()};
        WorkloadPatterns found;
        if (!pattern_refresh_find(session.connection, arena, &what, &found, error) ||
            !pattern_refresh_keep(session.connection, &what, &found, error))
            return false;
        *ret_found += (int64_t)found.count;
    }
    return true;
}
