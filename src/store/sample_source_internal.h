// SPDX-License-Identifier: PostgreSQL
/*
 * What the two files of a SampleSource share: sample_source_survey.c, which finds what there is in the range,
 * and sample_source.c, which reads and adds it up. For no other file.
 */
#ifndef FETTLE_STORE_SAMPLE_SOURCE_INTERNAL_H
#define FETTLE_STORE_SAMPLE_SOURCE_INTERNAL_H

#include "store/sample_source.h"

#include "base/list.h"

#include <stdlib.h>

typedef struct SourceWindow {
    int64_t starts_us;
    SampleNumbers at_us;
    uint32_t *held; /* numbers of the rounds that are to be added: in the range, and in no day */
    size_t held_count;
} SourceWindow;

VECTOR_DEFINE(WindowList, SourceWindow);
VECTOR_DEFINE(TimeList, int64_t);
VECTOR_DEFINE(PlaceList, size_t);

/* One database: its buckets with nothing but what was observed, the days that are added up, the blocks'
 * times. */
typedef struct Grid {
    int32_t database_id;
    SampleBucket *buckets;
    size_t bucket_count;
    size_t bucket_capacity;
    TimeList days;
    WindowList windows;
    size_t journal_first; /* its rounds in the journal */
    size_t journal_count;
    PlaceList entries; /* with one sum: its statements */
} Grid;

typedef struct JournalRound {
    int64_t at_us;
    SamplePack pack;
    size_t at; /* of the first sample that is not passed over yet */
} JournalRound;

typedef struct SourceEntry {
    int32_t statement_id;
    int64_t query_hash;
    Grid *grid;
} SourceEntry;

/* Rows sorted by statement, read as the statements go by. */
typedef struct Cursor {
    PgResult *rows;
    int64_t at;
} Cursor;

/* Which statements are asked for: those of a range of numbers, of which a list (NULL: all) is wanted. */
typedef struct SourceWanted {
    StoreNumber least;
    StoreNumber greatest;
    const char *list;
} SourceWanted;

struct SampleSource {
    PgConnection *session;
    Arena *arena;
    SampleSourceOptions options;
    bool is_one_sum; /* one bucket holds the range */
    bool uses_days;
    bool has_days; /* of which one at least is added up */
    StoreNumber target;
    SampleTime from;
    SampleTime to;
    SourceWanted wanted;
    const char *database_ids;
    Grid *grids;
    size_t grid_count;
    SourceEntry *entries;
    size_t entry_count;
    size_t next;
    SampleSelection selection;
    TimeList windows; /* ascending, of the blocks that are to be read */
    JournalRound *journal;
    size_t journal_count;
    uint64_t signature;
    PgResult *journal_rows;
    Arena *packs; /* what the journal's rounds are decoded into */
    Cursor totals;
    Cursor days;
    Cursor blocks;
    Cursor by_hand;
    SampleBucket *work;
    size_t work_capacity;
    SampleBucket *sums; /* with one sum: of each entry */
};

static inline int
sample_time_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static inline bool
sample_source_holds(const SampleSource *source, int64_t at_us)
{
    return at_us >= source->options.range->from_us && at_us < source->options.range->to_us;
}

static inline bool
sample_source_holds_hour(const SampleSource *source, int64_t hour_us)
{
    return hour_us >= source->options.range->from_us &&
           hour_us + SAMPLE_HOUR_US <= source->options.range->to_us;
}

static inline int
sample_bucket_compare(const void *a, const void *b)
{
    return sample_time_compare(&((const SampleBucket *)a)->to_us, &((const SampleBucket *)b)->to_us);
}

/* NULL: there is none. */
SampleBucket *sample_bucket_find(const SampleSource *source, SampleBucket *buckets, size_t count,
                                 int64_t at_us);

/* The statements, ascending, as the range of their numbers. */
SourceWanted sample_source_wanted(Arena *arena, const int64_t *statement_ids, size_t count);

/* Fills grids, entries, windows, the journal's rounds and the signature; reads no sample. */
bool sample_source_survey(SampleSource *source, Error *error) FETTLE_MUST_USE;

bool sample_source_damaged(Error *error);

#endif
