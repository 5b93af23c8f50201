// SPDX-License-Identifier: PostgreSQL
/*
 * Scheduled changes: what was approved, and waits for its moment (fettle.scheduled_changes).
 *
 *   waiting ◄──► done
 *      └───────► refused | cancelled | expired
 *
 * An end is written once; of two that end it at once one has ERROR_CONFLICT. The end "done" is written in the
 * transaction that records the change and its implementation, so that no kill carries it out twice or not at
 * all; a change that then was not begun, or that a pause stopped, waits again (scheduled_change_follow()). At
 * most one waits for a recommendation.
 */
#ifndef FETTLE_STORE_SCHEDULED_CHANGE_H
#define FETTLE_STORE_SCHEDULED_CHANGE_H

#include "pg/connection.h"

#define SCHEDULED_CHANGES_MOST 1000
#define SCHEDULED_FIGURES_BYTES 65536

typedef struct ScheduledChange {
    int64_t id;
    int64_t target_id;
    const char *target_name;
    int64_t recommendation_id; /* 0: it was taken away since */
    const char *text;          /* of the recommendation */
    const char *moment;        /* window, quiet */
    int64_t from_us;           /* the moment that is planned */
    int64_t to_us;
    int64_t expires_us;
    const char *sql; /* that was approved */
    int64_t query_hash;
    const char *notes;
    const char *pre_stats; /* JSON object text; NULL: what the store knows; not in lists */
    const char *state;
    const char *message; /* how it ended, or why it waits still; NULL: nothing to say */
    int64_t implementation_id;
    const char *requested_by;
    int64_t created_at_us;
    int64_t ended_at_us; /* 0: it waits */
} ScheduledChange;

typedef struct ScheduledChanges {
    ScheduledChange *items;
    size_t count;
} ScheduledChanges;

/* From target_id to pre_stats, and requested_by. ERROR_CONFLICT: one waits for the recommendation already.
 * ERROR_INPUT: more than SCHEDULED_FIGURES_BYTES of pre_stats. */
bool scheduled_change_open(PgConnection *session, const ScheduledChange *change, int64_t *ret_id,
                           Error *error) FETTLE_MUST_USE;

typedef struct ScheduledFilter {
    int64_t target_id; /* 0: all */
    const char *state; /* NULL: all */
    int64_t due_us;    /* those that wait, and have something to be done by then; 0: all */
    size_t limit;      /* 1 .. SCHEDULED_CHANGES_MOST */
} ScheduledFilter;

/* The newest first; those that are due in the order of their moments. */
bool scheduled_change_list(PgConnection *session, Arena *arena, const ScheduledFilter *filter,
                           ScheduledChanges *ret_list, Error *error) FETTLE_MUST_USE;
/* ERROR_NOT_FOUND */
bool scheduled_change_get(PgConnection *session, Arena *arena, int64_t id, ScheduledChange *ret_change,
                          Error *error) FETTLE_MUST_USE;
/* Whether any waits, be it due or not. */
bool scheduled_change_is_awaited(PgConnection *session, bool *ret_is_awaited, Error *error) FETTLE_MUST_USE;
/* Drops those that ended so long ago. */
bool scheduled_change_expire(PgConnection *session, int64_t kept_ms, Error *error) FETTLE_MUST_USE;
/* It waits on, for this moment; message NULL: nothing to say. */
bool scheduled_change_move(PgConnection *session, int64_t id, int64_t from_us, int64_t to_us,
                           const char *message, Error *error) FETTLE_MUST_USE;

typedef struct ScheduledEnd {
    const char *state; /* done, refused, cancelled, expired */
    const char *message;
    int64_t implementation_id; /* 0: none */
} ScheduledEnd;
/* ERROR_CONFLICT: it does not wait any more. */
bool scheduled_change_end(PgConnection *session, int64_t id, const ScheduledEnd *end, int64_t *ret_target_id,
                          Error *error) FETTLE_MUST_USE;

#endif
