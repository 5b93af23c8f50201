// SPDX-License-Identifier: PostgreSQL
/*
 * ActivityLog: samples of what sessions wait for, added up to minutes in memory until a round writes them.
 *
 * A sample is taken each second and would be a thousand times the size of its sum; a minute is one
 * ActivityMinute (store/observation.h). A minute holds at most ACTIVITY_ROWS_MOST different rows: what comes
 * beyond is added to one row with the wait type "Other", so that sums stay true. At most
 * ACTIVITY_MINUTES_MOST minutes wait for the store; the oldest is dropped then.
 *
 * A minute starts at a full minute, or at its first sample when the log was empty: after a restart the rest
 * of a minute is a row of its own. One thread at a time.
 */
#ifndef FETTLE_COLLECT_ACTIVITY_H
#define FETTLE_COLLECT_ACTIVITY_H

#include "base/arena.h"
#include "store/observation.h"

#define ACTIVITY_ROWS_MOST 2000
#define ACTIVITY_MINUTES_MOST 60

typedef struct ActivityLog ActivityLog;

ActivityLog *activity_log_new(int64_t target_id);
void activity_log_free(ActivityLog *log); /* NULL is allowed */

/* One sample, taken at a time; rows' seen is the number of sessions. */
void activity_log_add(ActivityLog *log, int64_t at_us, const ActivityRow *rows, size_t count);

/* The minutes that ended before a time (INT64_MAX: all, the running one too), oldest first; they stay in the
 * log until they are forgotten. */
void activity_log_minutes(const ActivityLog *log, Arena *arena, int64_t before_us,
                          ActivityMinute **ret_minutes, size_t *ret_count);
/* Forgets the first count minutes: they are written. */
void activity_log_forget(ActivityLog *log, size_t count);

#endif
