// SPDX-License-Identifier: PostgreSQL
/*
 * SampleSource: all samples of a range, each once, from wherever they are kept.
 *
 * A sample is in exactly one place of
 *   a day row   the whole hours of days that are added up (only when asked for by hours),
 *   a block     days that are not added up, and the hours that the range cuts,
 *   the journal what is not packed,
 *   a row       what was inserted by hand,
 * which holds as long as all are read in one snapshot: open, read and close in a read-only transaction.
 *
 * The range is cut into buckets. Each database has a grid of them with the time that was observed in each;
 * sample_source_next() gives one statement after another, ascending by statement_id, with what it did in its
 * database's buckets. For no other folder.
 *
 * Opening finds out which rounds there are, fetching reads what they hold: who has an answer made of the same
 * rounds, known by their signature, need not fetch.
 *
 *     SampleSource *source;
 *     if (!sample_source_open(session, arena, &options, &source, error) ||
 *         !sample_source_fetch(source, error)) return false;
 *     while (sample_source_next(source, &statement, error)) ...
 */
#ifndef FETTLE_STORE_SAMPLE_SOURCE_H
#define FETTLE_STORE_SAMPLE_SOURCE_H

#include "store/sample_internal.h"
#include "store/sample_read.h"

typedef struct SampleSource SampleSource;

typedef struct SampleSourceOptions {
    const SampleRange *range; /* from_us and to_us are the exact bounds */
    bool by_rounds;           /* a bucket for each round; else step_us */
    int64_t step_us;          /* buckets of so much from from_us on */
    size_t buckets_most;
    /* To rank: the counters (bits) that the order needs. Only these are summed up, without their deviation,
     * and of whole days only the totals are read: of the block counters IO is in SAMPLE_SHARED_READ and
     * SAMPLE_TEMP_READ then. Needs a single bucket. 0: everything is read. */
    uint32_t rank_by;
} SampleSourceOptions;

typedef struct SampleBucket {
    int64_t from_us;
    int64_t to_us;
    int64_t observed_ms;
    unsigned flags;
    bool is_active;
    SampleSum sum; /* not finished */
} SampleBucket;

typedef struct SampleStatement {
    int32_t statement_id;
    int32_t database_id;
    int64_t query_hash;
    SampleBucket *buckets; /* valid until the next call */
    size_t bucket_count;
} SampleStatement;

bool sample_source_open(PgConnection *session, Arena *arena, const SampleSourceOptions *options,
                        SampleSource **ret_source, Error *error) FETTLE_MUST_USE;
/* The same for the same samples of the same statements in the range, whatever its bounds; 0 when that cannot
 * be told. */
uint64_t sample_source_signature(const SampleSource *source);
bool sample_source_fetch(SampleSource *source, Error *error) FETTLE_MUST_USE;
/* The next statement with a sample in the range; false at the end, and on a failure, which sets the error. */
bool sample_source_next(SampleSource *source, SampleStatement *ret_statement, Error *error) FETTLE_MUST_USE;
/* After ranking: begins again with these statements alone, ascending, and all of their counters. */
bool sample_source_again(SampleSource *source, const int64_t *statement_ids, size_t count, Error *error)
    FETTLE_MUST_USE;
void sample_source_close(SampleSource *source); /* NULL is allowed; frees the answers that it reads from */
void sample_source_close_at(SampleSource **source);

/* ERROR_INPUT for a range without target, without length, or outside of the calendar. */
bool sample_range_check(const SampleRange *range, Error *error) FETTLE_MUST_USE;

#endif
