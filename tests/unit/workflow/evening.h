// SPDX-License-Identifier: PostgreSQL
/*
 * What the tests of approvals for later share: an index on own.t (a) that was approved at noon for the
 * evening, by a clock that the test moves.
 */
#ifndef FETTLE_TESTS_WORKFLOW_EVENING_H
#define FETTLE_TESTS_WORKFLOW_EVENING_H

#include "place.h"

#include "workflow/change_schedule.h"

#define HOUR_US (INT64_C(3600) * 1000000)
#define DAY_US (24 * HOUR_US)

/* Today's hour 12 in UTC: windows before and after are known. */
int64_t noon_us(void);
void run_sql(const Place *place, const char *sql);
/* The number of a recommendation to create an index on own.t (a). */
int64_t recommended(const Place *place);
/* NULL: none. */
void window_set(const Place *place, const char *window);
bool open_at(const Place *place, int64_t recommendation_id, ChangeMoment moment, ScheduledChange *ret_change,
             Error *error);
/* Approved at noon for tonight, 22:00 to 23:00. */
ScheduledChange tonight(const Place *place, int64_t recommendation_id);
/* The change as it is now. */
ScheduledChange again(const Place *place, int64_t id);

/* The index change that hand_over() took last in a run; 0: none. */
extern int64_t handed_over;
/* context: anything for a service that has no thread free. */
bool hand_over(void *context, int64_t change_id);
/* memory NULL: of this run alone. */
ChangeScheduleReport run_with(const Place *place, ChangeScheduleMemory *memory, int64_t now_us);

#endif
