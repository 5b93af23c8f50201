// SPDX-License-Identifier: PostgreSQL
/*
 * ChangePolicy: a target's own rules for being changed (fettle.change_policies): the class of approval of
 * each kind of action, where it is not the server's, and windows for maintenance.
 *
 * A window is a text: days, times of day, and a time zone, UTC when none is named: "Sat 02:00-05:00
 * Europe/Paris", "Mon-Fri 22:00-04:00", "daily 01:00-03:00". One that ends before it begins ends on the next
 * day. The store knows the zones and their daylight saving, so that windows are read there, for a moment that
 * the caller gives.
 */
#ifndef FETTLE_STORE_CHANGE_POLICY_H
#define FETTLE_STORE_CHANGE_POLICY_H

#include "pg/connection.h"

#define CHANGE_WINDOWS_MOST 20
#define CHANGE_WINDOW_BYTES 200

/* Kinds of action that can be carried out. */
typedef enum ChangeAction {
    CHANGE_CREATE_INDEX,
    CHANGE_DROP_INDEX,
    CHANGE_REPLACE_INDEX,
    CHANGE_ACTIONS,
} ChangeAction;

/* "create_index" ... */
const char *change_action_word(ChangeAction action);

typedef struct ChangePolicy {
    const char *classes[CHANGE_ACTIONS]; /* advise, ask, auto; NULL: the server's */
    const char *const *windows;
    size_t window_count;
    const char *changed_by; /* NULL: it was never changed */
    int64_t changed_at_us;
    int64_t
        opens_us; /* of the window that is open at the moment asked for, else the next one; 0: no windows */
    int64_t closes_us;
} ChangePolicy;

/* ERROR_NOT_FOUND: no such target. */
bool change_policy_read(PgConnection *session, Arena *arena, int64_t target_id, int64_t now_us,
                        ChangePolicy *ret_policy, Error *error) FETTLE_MUST_USE;
/* Classes and windows, all of them. ERROR_INPUT: no class, or no window; ERROR_NOT_FOUND as above. */
bool change_policy_write(PgConnection *session, Arena *arena, int64_t target_id, const ChangePolicy *policy,
                         const char *actor, Error *error) FETTLE_MUST_USE;
/* True when what happens by itself may begin at the policy's moment. */
bool change_policy_is_open(const ChangePolicy *policy, int64_t now_us);

/* What the audit log keeps of a change: classes and windows, one JSON object. */
const char *change_policy_details(Arena *arena, const ChangePolicy *policy);

#endif
