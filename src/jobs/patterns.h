// SPDX-License-Identifier: PostgreSQL
/*
 * Patterns, every night: the patterns of workload of all targets are detected anew (workload/refresh.h).
 *
 * The work is due once a day. That it was done is known by its job in the store, so a server that was down at
 * the time does it when it is back, and one that is started again does not repeat it.
 */
#ifndef FETTLE_JOBS_PATTERNS_H
#define FETTLE_JOBS_PATTERNS_H

#include "store/store.h"

#define PATTERNS_JOB "patterns"

/* The last time that schedule ("03:10", UTC; "": never, which gives 0) came about. ERROR_INPUT for what is no
 * time of day. */
bool patterns_due(const char *schedule, int64_t now_us, int64_t *ret_due_us, Error *error) FETTLE_MUST_USE;

/* Whether a job of the kind began since then. */
bool patterns_were_refreshed(Store *store, Arena *arena, int64_t due_us, bool *ret_is_done, Error *error)
    FETTLE_MUST_USE;

bool patterns_refresh(Store *store, const int64_t *target_ids, size_t count, int64_t *ret_found, Error *error)
    FETTLE_MUST_USE;

#endif
