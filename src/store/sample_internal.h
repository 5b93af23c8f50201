// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of samples share; for no other file.
 *
 *   sample.c             names; writing rounds into the journal
 *   sample_compact.c     the journal into blocks
 *   sample_days.c        blocks into days
 *   sample_partitions.c  partitions made and dropped
 *   sample_source*.c     reading days, blocks, journal and rows, each sample once
 *   sample_read.c        series; sample_top.c: the top of a window; sample_work.c: what queries did, in brief
 *   sample_cache.c       tops that were read lately
 *   sample_text.c        bytes, times and lists of numbers as SQL's texts; sample_copy.c: rows for COPY
 *   sample_codec*.c, sample_pack.c   the packed format, without a server
 *
 * One lock orders what could count a sample twice: compaction holds "fettle.sample_compact" of its target
 * alone while it moves rounds, and a writer of rounds that may be packed already shares it.
 */
#ifndef FETTLE_STORE_SAMPLE_INTERNAL_H
#define FETTLE_STORE_SAMPLE_INTERNAL_H

#include "store/sample.h"
#include "store/sample_codec.h"
#include "store/store_internal.h"

#define SAMPLE_HOUR_US ((int64_t)3600 * 1000000)
#define SAMPLE_BLOCK_US (4 * SAMPLE_HOUR_US)
#define SAMPLE_DAY_US (24 * SAMPLE_HOUR_US)
#define SAMPLE_LAG_US ((int64_t)10 * 60 * 1000000)

/* The greatest multiple of step that is not after the time; also before 1970. */
static inline int64_t
sample_time_floor(int64_t at_us, int64_t step_us)
{
    int64_t rest = at_us % step_us;
    return at_us - rest - (rest < 0 ? step_us : 0);
}

/* A round is due to be packed when it ended before this time. */
static inline int64_t
sample_due_us(int64_t now_us)
{
    return sample_time_floor(now_us - SAMPLE_LAG_US, SAMPLE_BLOCK_US);
}

/* bytea as text ("\x0a1b"). */
char *sample_bytes_text(Arena *arena, SampleBytes bytes);
/* A bytea of an answer in binary format; the bytes live as long as it. */
bool sample_bytes_of(const PgResult *rows, int64_t row, int column, SampleBytes *ret_bytes, Error *error)
    FETTLE_MUST_USE;

/* A time as text, to the microsecond and with its zone: "2026-02-20 14:30:00.000000+00". */
#define SAMPLE_TIME_BYTES 48
typedef struct SampleTime {
    char text[SAMPLE_TIME_BYTES];
} SampleTime;
SampleTime sample_time_text(int64_t at_us);

/* An array of whole numbers without NULLs, "{1,2}". */
typedef struct SampleNumbers {
    int64_t *items;
    size_t count;
} SampleNumbers;
bool sample_numbers_parse(Arena *arena, const char *text, SampleNumbers *ret_numbers, Error *error)
    FETTLE_MUST_USE;
char *sample_numbers_text(Arena *arena, const int64_t *numbers, size_t count);
/* An array of times from microseconds. */
char *sample_times_text(Arena *arena, const int64_t *times_us, size_t count);

/* BEGIN, with the target's compaction lock. */
bool sample_transaction_begin(PgConnection *session, int64_t target_id, bool is_alone, Error *error)
    FETTLE_MUST_USE;
/* COMMIT when is_good; else ROLLBACK, with *error kept. */
bool sample_transaction_end(PgConnection *session, bool is_good, Error *error) FETTLE_MUST_USE;

/* Makes the partition of a table that holds a time, if it is missing. */
bool sample_partition_make(PgConnection *session, const char *table, int64_t at_us, Error *error)
    FETTLE_MUST_USE;

/* Adds up the days of which every block is packed. */
bool sample_days_add_up(PgConnection *session, int64_t target_id, int64_t due_us, SampleUpkeep *upkeep,
                        Error *error) FETTLE_MUST_USE;

#endif
