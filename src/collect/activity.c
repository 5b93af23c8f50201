// SPDX-License-Identifier: PostgreSQL
#include "collect/activity.h"

#include "base/list.h"
#include "base/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US ((int64_t)60 * 1000000)
#define MINUTE_BYTES ((size_t)8 * 1024 * 1024)
#define KEY_BYTES 256
#define WORD_BYTES 63

VECTOR_DEFINE(RowList, ActivityRow *);

typedef struct LogMinute {
    Arena *arena;
    int64_t minute_us; /* the full minute it belongs to */
    int64_t starts_at_us;
    int64_t samples;
    Map *by_key;
    RowList rows;
} LogMinute;

struct ActivityLog {
    int64_t target_id;
    LogMinute minutes[ACTIVITY_MINUTES_MOST];
    size_t count;
};

ActivityLog *
activity_log_new(int64_t target_id)
{
    ActivityLog *log = calloc(1, sizeof(*log));
    fettle_assert(log != NULL);
    log->target_id = target_id;
    return log;
}

void
activity_log_free(ActivityLog *log)
{
    if (log == NULL)
        return;
    activity_log_forget(log, log->count);
    free(log);
}

void
activity_log_forget(ActivityLog *log, size_t count)
{
    fettle_assert(count <= log->count);
    for (size_t i = 0; i < count; i++)
        arena_free(log->minutes[i].arena);
    log->count -= count;
    memmove(log->minutes, log->minutes + count, log->count * sizeof(*log->minutes));
}

/* The minute of a time. A clock that went back gives to the newest minute: none is opened twice. */
static LogMinute *
log_minute(ActivityLog *log, int64_t at_us)
{
    int64_t minute_us = at_us - at_us % MINUTE_US;
    LogMinute *newest = log->count == 0 ? NULL : &log->minutes[log->count - 1];
    if (newest != NULL && minute_us <= newest->minute_us)
        return newest;
    if (log->count == ACTIVITY_MINUTES_MOST)
        activity_log_forget(log, 1);
    bool is_first = log->count == 0;
    LogMinute *minute = &log->minutes[log->count++];
    Arena *arena = arena_new("activity", MINUTE_BYTES);
    *minute = (LogMinute){.arena = arena,
                          .minute_us = minute_us,
                          .starts_at_us = is_first ? at_us : minute_us,
                          .by_key = map_new(arena)};
    return minute;
}

static void
row_key(const ActivityRow *row, char key[KEY_BYTES])
{
    int length = snprintf(key, KEY_BYTES, "%d %d %lld %.*s|%.*s|%.*s", row->database_id, row->statement_id,
                          (long long)row->queryid, WORD_BYTES, row->state, WORD_BYTES, row->wait_type,
                          WORD_BYTES, row->wait_event);
    fettle_assert(length > 0 && length < KEY_BYTES);
}

static ActivityRow *
minute_row(LogMinute *minute, const ActivityRow *row)
{
    char key[KEY_BYTES];
    row_key(row, key);
    ActivityRow *known = map_get(minute->by_key, key);
    if (known != NULL)
        return known;
    known = arena_memdup(minute->arena, row, sizeof(*row));
    known->state = arena_strndup(minute->arena, row->state, WORD_BYTES);
    known->wait_type = arena_strndup(minute->arena, row->wait_type, WORD_BYTES);
    known->wait_event = arena_strndup(minute->arena, row->wait_event, WORD_BYTES);
    known->seen = 0;
    map_put(minute->by_key, key, known);
    vector_push(minute->arena, &minute->rows, known);
    return known;
}

static void
minute_add(LogMinute *minute, const ActivityRow *row)
{
    static const ActivityRow other = {.state = "active", .wait_type = "Other", .wait_event = ""};
    char key[KEY_BYTES];
    row_key(row, key);
    bool is_full = minute->rows.count >= ACTIVITY_ROWS_MOST - 1 && map_get(minute->by_key, key) == NULL;
    minute_row(minute, is_full ? &other : row)->seen += row->seen;
}

void
activity_log_add(ActivityLog *log, int64_t at_us, const ActivityRow *rows, size_t count)
{
    LogMinute *minute = log_minute(log, at_us);
    minute->samples++;
    for (size_t i = 0; i < count; i++)
        minute_add(minute, &rows[i]);
}

void
activity_log_minutes(const ActivityLog *log, Arena *arena, int64_t before_us, ActivityMinute **ret_minutes,
                     size_t *ret_count)
{
    ActivityMinute *minutes = ARENA_NEW_ARRAY(arena, ActivityMinute, log->count);
    size_t count = 0;
    for (; count < log->count && log->minutes[count].minute_us <= before_us - MINUTE_US; count++) {
        const LogMinute *minute = &log->minutes[count];
        ActivityRow *rows = ARENA_NEW_ARRAY(arena, ActivityRow, minute->rows.count);
        for (size_t i = 0; i < minute->rows.count; i++)
            rows[i] = *minute->rows.items[i];
        minutes[count] = (ActivityMinute){.target_id = log->target_id,
                                          .starts_at_us = minute->starts_at_us,
                                          .samples = minute->samples,
                                          .rows = rows,
                                          .row_count = minute->rows.count};
    }
    *ret_minutes = minutes;
    *ret_count = count;
}
