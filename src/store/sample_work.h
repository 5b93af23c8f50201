// SPDX-License-Identifier: PostgreSQL
/*
 * SampleWork: what some queries did in each bucket of a range: calls, time, rows, blocks. For who compares
 * times of calls over weeks in buckets of minutes: a fifth of the memory of a SampleSeries, gaps included.
 *
 * Statements of several users with the same hash are one. A bucket that was observed for less than half of
 * its length, or in which counters were reset or the server restarted, has calls NAN: what is left of it
 * would be a mean of other hours than it says. Whole blocks are decoded; day roll-ups are not fine enough.
 *
 *     SampleRange range = {.target_id = 1, .database_name = "shop", .from_us = ..., .to_us = ...,
 *                          .step_ms = 900000, .query_hashes = hashes, .query_hash_count = count};
 *     sample_work_read(session, arena, &range, &work, &count, error)
 */
#ifndef FETTLE_STORE_SAMPLE_WORK_H
#define FETTLE_STORE_SAMPLE_WORK_H

#include "store/sample_read.h"

#define SAMPLE_WORK_BUCKETS_MOST ((size_t)4000000) /* of all queries together: 128 MB */

typedef struct SampleWorkBucket {
    double calls; /* NAN: not known */
    double time_ms;
    double rows;
    double blocks; /* shared, hit and read */
} SampleWorkBucket;

typedef struct SampleWork {
    int64_t query_hash;
    SampleWorkBucket *buckets; /* (to_us - from_us) / step_ms */
} SampleWork;

/* One for each query with a sample in the range, ascending by query_hash. The range begins and ends at
 * multiples of step_ms, which is not 0. Not inside a transaction. */
bool sample_work_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleWork **ret_work,
                      size_t *ret_count, Error *error) FETTLE_MUST_USE;

#endif
