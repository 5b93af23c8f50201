// SPDX-License-Identifier: PostgreSQL
/*
 * Refresh: from the samples in the store to the patterns in it.
 *
 * Reading and writing are two steps, for they want different transactions: the samples one snapshot, the
 * patterns the caller's, so that an act and its line in the audit log stay together.
 *
 *     pattern_refresh_find(session, arena, &what, &found, error)
 *     pattern_refresh_keep(session, &what, &found, error)
 */
#ifndef FETTLE_WORKLOAD_REFRESH_H
#define FETTLE_WORKLOAD_REFRESH_H

#include "store/database_hours.h"
#include "store/workload_pattern.h"
#include "workload/series.h"

#define REFRESH_TARGETS_MOST 100 /* at once: their hours are held in memory */

typedef struct PatternRefresh {
    const int64_t *target_ids; /* up to REFRESH_TARGETS_MOST */
    size_t target_count;
    const char *database_name; /* NULL: all */
    int lookback_days;         /* PATTERN_LOOKBACK_DAYS_LEAST .. _MOST */
    int64_t now_us;
    bool only_calls; /* of series_read(): no blocks are wanted; patterns need none */
} PatternRefresh;

/* The hours from lookback_days ago until now, both whole. Not in a transaction. */
bool series_read(PgConnection *session, Arena *arena, const PatternRefresh *what, HourlySeries **ret_series,
                 size_t *ret_count, Error *error) FETTLE_MUST_USE;

/* Also without any pattern it is a success. Not in a transaction. */
bool pattern_refresh_find(PgConnection *session, Arena *arena, const PatternRefresh *what,
                          WorkloadPatterns *ret_found, Error *error) FETTLE_MUST_USE;
bool pattern_refresh_keep(PgConnection *session, const PatternRefresh *what, const WorkloadPatterns *found,
                          Error *error) FETTLE_MUST_USE;

#endif
