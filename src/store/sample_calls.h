// SPDX-License-Identifier: PostgreSQL
/*
 * SampleCalls: how often each statement was called in each hour, and nothing else: four bytes an hour, so
 * that the arrivals of thousands of statements are held at once (sample_read.h has all counters).
 *
 * Statements of the same hash and database but of several users are one.
 */
#ifndef FETTLE_STORE_SAMPLE_CALLS_H
#define FETTLE_STORE_SAMPLE_CALLS_H

#include "store/sample_read.h"

#define SAMPLE_CALLS_CELLS_MOST ((size_t)32 * 1024 * 1024) /* statements × hours */

typedef struct SampleCalls {
    int64_t query_hash;
    const char *database_name;
    float *hours; /* NAN: the database was not observed in it */
} SampleCalls;

/* Range: target, times (widened to whole hours) and database; ascending by statement. *ret_hours is how many
 * each has, from *ret_from_us on. ERROR_LIMIT: more than SAMPLE_CALLS_CELLS_MOST. Not in a transaction. */
typedef struct SampleCallsList {
    SampleCalls *items;
    size_t count;
    size_t hours;
    int64_t from_us;
} SampleCallsList;

bool sample_calls_read(PgConnection *session, Arena *arena, const SampleRange *range,
                       SampleCallsList *ret_calls, Error *error) FETTLE_MUST_USE;

#endif
