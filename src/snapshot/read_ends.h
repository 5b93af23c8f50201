// SPDX-License-Identifier: PostgreSQL
/*
 * The least and the greatest value of each B-tree's first key, as the planner itself looks them up
 * (get_actual_variable_range) when a range touches the end of a histogram and in every merge join.
 *
 * Two index probes per index, many indexes in one statement, within the read's own transaction and under a
 * short statement_timeout; what takes longer, or may not be read, is left out: a twin without it is a little
 * less exact. They are kept out of the indexes' own counters where the role may do that.
 */
#ifndef FETTLE_SNAPSHOT_READ_ENDS_H
#define FETTLE_SNAPSHOT_READ_ENDS_H

#include "pg/result.h"

typedef struct ReadEnds {
    const char *const *ids;    /* index OIDs as text */
    const char *const *probes; /* one SELECT each: id, low_value, high_value */
    size_t count;
    bool is_uncounted; /* the role may turn the server's counting off */
    Deadline deadline;
} ReadEnds;

/* Calls take for each index that answered. False when the session failed. */
bool read_ends(Arena *arena, PgConnection *connection, const ReadEnds *ends,
               void (*take)(void *context, const char *id, const char *low_value, const char *high_value),
               void *context, Error *error) FETTLE_MUST_USE;

#endif
