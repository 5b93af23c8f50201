// SPDX-License-Identifier: PostgreSQL
#include "store/sample_work.h"

#include "base/list.h"
#include "store/sample_source.h"

#include <math.h>
#include <stdlib.h>

#define OBSERVED_LEAST 0.5

VECTOR_DEFINE(WorkList, SampleWork);

static SampleWork *
work_of(Arena *arena, WorkList *list, int64_t query_hash, size_t bucket_count)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].query_hash == query_hash)
            return &list->items[i];
    SampleWork work = {.query_hash = query_hash,
                       .buckets = ARENA_NEW_ARRAY(arena, SampleWorkBucket, bucket_count)};
    for (size_t i = 0; i < bucket_count; i++)
        work.buckets[i].calls = NAN;
    vector_push(arena, list, work);
    return &list->items[list->count - 1];
}

static void
work_add(SampleWork *work, const SampleStatement *statement, const SampleRange *range)
{
    for (size_t i = 0; i < statement->bucket_count; i++) {
        SampleBucket *source = &statement->buckets[i];
        bool is_whole = (double)source->observed_ms >= OBSERVED_LEAST * (double)range->step_ms &&
                        (source->flags & (SAMPLE_FLAG_RESET | SAMPLE_FLAG_RESTART)) == 0;
        if (!is_whole)
            continue;
        sample_sum_finish(&source->sum);
        const int64_t *counters = source->sum.counters;
        SampleWorkBucket *bucket = &work->buckets[i];
        bucket->calls = (isnan(bucket->calls) ? 0 : bucket->calls) + (double)counters[SAMPLE_CALLS];
        bucket->time_ms += (double)counters[SAMPLE_EXEC_US] / 1000;
        bucket->rows += (double)counters[SAMPLE_ROWS];
        bucket->blocks += (double)counters[SAMPLE_SHARED_HIT] + (double)counters[SAMPLE_SHARED_READ];
    }
}

static bool
work_read(PgConnection *session, Arena *arena, const SampleSourceOptions *options, WorkList *list,
          Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample work", (size_t)8 << 30);
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    SampleStatement statement;
    Error failure = {0};
    if (!sample_source_open(session, scratch, options, &source, error) || !sample_source_fetch(source, error))
        return false;
    while (sample_source_next(source, &statement, &failure)) {
        SampleWork *work = work_of(arena, list, statement.query_hash, options->buckets_most);
        fettle_assert(statement.bucket_count == options->buckets_most);
        work_add(work, &statement, options->range);
    }
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

static int
work_compare(const void *left, const void *right)
{
    int64_t a = ((const SampleWork *)left)->query_hash;
    int64_t b = ((const SampleWork *)right)->query_hash;
    return (a > b) - (a < b);
}

bool
sample_work_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleWork **ret_work,
                 size_t *ret_count, Error *error)
{
    if (!sample_range_check(range, error))
        return false;
    int64_t step_us = range->step_ms * 1000;
    fettle_assert(step_us > 0 && range->from_us % step_us == 0 && range->to_us % step_us == 0);
    size_t bucket_count = (size_t)((range->to_us - range->from_us) / step_us);
    size_t queries = range->query_hashes == NULL ? 1 : range->query_hash_count;
    if (bucket_count > SAMPLE_WORK_BUCKETS_MOST / (queries == 0 ? 1 : queries))
        return error_set(error, ERROR_LIMIT, "the work of %zu queries has more than %zu buckets", queries,
                         SAMPLE_WORK_BUCKETS_MOST);
    SampleSourceOptions options = {.range = range, .step_us = step_us, .buckets_most = bucket_count};
    WorkList list = {0};
    if (!pg_transaction_begin_read_only(session, error))
        return error_prefix(error, "could not read the work of queries");
    bool is_good = work_read(session, arena, &options, &list, error);
    Error ignored = {0};
    if (!pg_transaction_end(session, is_good ? error : &ignored) || !is_good)
        return error_prefix(error, "could not read the work of queries");
    if (list.count > 0)
        qsort(list.items, list.count, sizeof(*list.items), work_compare);
    *ret_work = list.items;
    *ret_count = list.count;
    return true;
}
