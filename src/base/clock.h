// SPDX-License-Identifier: PostgreSQL
/*
 * Clocks: monotonic milliseconds for deadlines and durations, wall-clock for people.
 *
 * A Deadline is a point on the monotonic clock. DEADLINE_NEVER never passes.
 */
#ifndef FETTLE_BASE_CLOCK_H
#define FETTLE_BASE_CLOCK_H

#include "base/arena.h"

typedef int64_t Deadline; /* monotonic milliseconds */
#define DEADLINE_NEVER INT64_MAX

int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_wall_us(void);   /* microseconds since 1970-01-01 UTC */
double clock_own_cpu_ms(void); /* CPU time of all threads of this process */

Deadline deadline_after_ms(int64_t milliseconds);
bool deadline_passed(Deadline deadline);
/* Milliseconds left: 0 when passed; -1 for DEADLINE_NEVER (as poll(2) wants it); at most INT_MAX. */
int deadline_left_ms(Deadline deadline);
Deadline deadline_earlier(Deadline a, Deadline b);

/* RFC 3339 in UTC: "2026-02-20T14:30:00Z". */
char *clock_format_utc(Arena *arena, int64_t wall_us);

#endif
