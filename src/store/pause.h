// SPDX-License-Identifier: PostgreSQL
/*
 * Pauses: the kill switch, of all targets or of one (fettle.pauses).
 *
 * While a pause is in force nothing is changed on its targets: what Fettle would do by itself is left, what a
 * person approves is refused, what was approved for later waits. What was recorded already does not begin;
 * what runs is cancelled and cleaned up, unless it may finish. A drop that cannot be taken back any more is
 * finished, for half of it is worse than either end. Undoing goes on, by people and by itself, unless the
 * pause stops that, too.
 *
 * The check is made by whoever records a change, in the same transaction (index_change_begin()), under a lock
 * that a pause waits for: no change slips through between the two.
 *
 *     pause_begin(session, &(PauseOrder){.reason = "incident 12", .actor = actor}, &stopped, error)
 *     pause_end(session, 0, actor, error)
 */
#ifndef FETTLE_STORE_PAUSE_H
#define FETTLE_STORE_PAUSE_H

#include "pg/connection.h"

#define PAUSE_REASON_BYTES 2000
#define PAUSES_MOST 10000

typedef struct Pause {
    int64_t id;
    int64_t target_id;       /* 0: all */
    const char *target_name; /* NULL: all */
    bool stops_undo;
    const char *reason;
    const char *paused_by;
    int64_t paused_at_us;
} Pause;

typedef struct Pauses {
    Pause *items; /* that of all targets first */
    size_t count;
} Pauses;

typedef struct PauseOrder {
    int64_t target_id; /* 0: all */
    bool stops_undo;
    bool lets_finish; /* what runs already */
    const char *reason;
    const char *actor;
} PauseOrder;

/* In place of the one in force, if any. *ret_stopped: changes that are asked to stop. ERROR_INPUT: no reason;
 * ERROR_NOT_FOUND: no such target. */
bool pause_begin(PgConnection *session, const PauseOrder *order, int64_t *ret_stopped, Error *error)
    FETTLE_MUST_USE;
/* Ends the pause of all targets (0), or that of one. ERROR_CONFLICT: there is none. */
bool pause_end(PgConnection *session, int64_t target_id, const char *actor, Error *error) FETTLE_MUST_USE;
/* Those in force. */
bool pause_list(PgConnection *session, Arena *arena, Pauses *ret_pauses, Error *error) FETTLE_MUST_USE;
/* ERROR_CONFLICT while a pause stands against a change of the target. Within a transaction no pause begins
 * before its end. */
bool pause_check(PgConnection *session, int64_t target_id, bool is_undo, Error *error) FETTLE_MUST_USE;
/* True when the error is a refusal of pause_check() within another statement, and makes it ERROR_CONFLICT. */
bool pause_refusal_take(Error *error);

#endif
