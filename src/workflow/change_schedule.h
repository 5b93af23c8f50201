// SPDX-License-Identifier: PostgreSQL
/*
 * ChangeSchedule: approved changes that wait for their moment, and are made when it comes.
 *
 *   window   the target's window for maintenance that is open, else the next one (store/change_policy.h)
 *   quiet    the two quietest hours of the next two days, as the load is forecast (workload/quiet_window.h)
 *
 * Yesterday's approval is checked against today's target: what does not apply any more, or would be another
 * statement than the one that was approved, is refused, and says so. What only cannot be done now (a pause,
 * the table's last change is not measured yet, the target is away or disabled) waits, with its reason; when
 * its moment has passed, for the next one, and until it expires (approval.expiry, but not before the first
 * moment that was planned). A change whose turn comes after its moment does not begin, and waits on; so does
 * one that a pause stops. One that has begun is not broken off when its window closes.
 *
 * Everything is in the store: a restart forgets nothing. The clock is the caller's.
 *
 *     change_schedule_open(&manager, arena, &apply, &order, &change, error)   after
 * recommendation_apply_plan() change_schedule_run(&options, clock_wall_us(), &report, error)          every
 * few seconds, by one process
 */
#ifndef FETTLE_WORKFLOW_CHANGE_SCHEDULE_H
#define FETTLE_WORKFLOW_CHANGE_SCHEDULE_H

#include "store/scheduled_change.h"
#include "workflow/recommendation_apply.h"

typedef enum ChangeMoment {
    CHANGE_NOW,
    CHANGE_IN_WINDOW,
    CHANGE_WHEN_QUIET,
} ChangeMoment;

/* "now", "window", "quiet"; false for anything else. */
bool change_moment_parse(const char *text, ChangeMoment *ret_moment);

typedef struct ChangeScheduleOrder {
    ChangeMoment moment; /* not CHANGE_NOW */
    int64_t now_us;
    const char *requested_by;
} ChangeScheduleOrder;

/* ERROR_CONFLICT: the target has no windows; its load cannot be forecast yet; the class is advise; it waits
 * already. ERROR_UNSUPPORTED: it is not Fettle's to carry out. */
bool change_schedule_open(const IndexManager *manager, Arena *arena, const RecommendationApply *apply,
                          const ChangeScheduleOrder *order, ScheduledChange *ret_change, Error *error)
    FETTLE_MUST_USE;

/*
 * Targets that could not be reached, from one run to the next: one that is away is asked once in five
 * minutes, then ten, then fifteen, however many of its changes wait, for each time may hold the run for a
 * whole timeout. What the store fails at does not count. An entry is forgotten with any answer,
 * with a change of the target's (another address or password may be the cure), when nobody asked for fifteen
 * minutes after its time (what fails then is not in a row with it), and when the clock was set back.
 */
#define CHANGE_SCHEDULE_AWAY_MOST 64
typedef struct ChangeScheduleAway {
    int64_t target_id; /* 0: a free place */
    int64_t revision;  /* of the target, as it was asked */
    int64_t until_us;  /* not asked before */
    int times;         /* in a row */
    char message[ERROR_MESSAGE_BYTES];
} ChangeScheduleAway;
typedef struct ChangeScheduleMemory {
    ChangeScheduleAway away[CHANGE_SCHEDULE_AWAY_MOST];
} ChangeScheduleMemory;

typedef struct ChangeScheduleOptions {
    Store *store;
    const Settings *settings;
    /* Takes a recorded index change, to carry it out; false: not now, and it waits on. NULL: whoever settles
     * index changes finds it. */
    bool (*carry_out)(void *context, int64_t change_id);
    void *context;
    bool (*is_stopping)(void *stop_context); /* no further change is begun; NULL: never */
    void *stop_context;
    ChangeScheduleMemory *memory; /* the caller's, zeroed before the first run; NULL: of this run alone */
} ChangeScheduleOptions;

typedef struct ChangeScheduleReport {
    int64_t done;    /* recorded, and handed over */
    int64_t ended;   /* refused or expired */
    int64_t waiting; /* still, though their moment had come */
    bool is_awaited; /* some waited before, be they due or not */
} ChangeScheduleReport;

/* One that cannot be looked at does not keep the others from their moments; the first such failure is the
 * run's. now_us is when it begins. */
bool change_schedule_run(const ChangeScheduleOptions *options, int64_t now_us,
                         ChangeScheduleReport *ret_report, Error *error) FETTLE_MUST_USE;

#endif
