// SPDX-License-Identifier: PostgreSQL
#include "store/sample_read.h"

#include "base/list.h"
#include "store/sample_source.h"

#define POINTS_MOST 100000

VECTOR_DEFINE(SeriesList, SampleSeries);

bool
sample_range_check(const SampleRange *range, Error *error)
{
    if (range->target_id <= 0 || range->from_us >= range->to_us || range->step_ms < 0)
        return error_set(error, ERROR_INPUT,
                         "the range of samples must have a target, and end after it begins");
    /* Years 1900 to 9999: what times can be written as. */
    if (range->from_us < INT64_C(-2208988800000000) || range->to_us > INT64_C(253402300799000000))
        return error_set(error, ERROR_INPUT, "the range of samples is outside of the years 1900 to 9999");
    return true;
}

#define SCRATCH_BYTES ((size_t)8 << 30)

/* The observed buckets of a statement as points. */
static SampleSeries
series_of(Arena *arena, const SampleStatement *statement)
{
    SampleSeries series = {.statement_id = statement->statement_id, .query_hash = statement->query_hash};
    for (size_t i = 0; i < statement->bucket_count; i++)
        series.count += statement->buckets[i].observed_ms > 0 || statement->buckets[i].is_active;
    series.points = ARENA_NEW_ARRAY(arena, SamplePoint, series.count);
    size_t count = 0;
    for (size_t i = 0; i < statement->bucket_count; i++) {
        SampleBucket *bucket = &statement->buckets[i];
        if (bucket->observed_ms == 0 && !bucket->is_active)
            continue;
        SamplePoint *point = &series.points[count++];
        point->from_us = bucket->from_us;
        point->to_us = bucket->to_us;
        point->observed_seconds = (double)bucket->observed_ms / 1000;
        point->flags = bucket->flags;
        sample_sum_finish(&bucket->sum);
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
            point->counters[c] = bucket->sum.counters[c];
    }
    return series;
}

typedef struct Collection {
    Arena *arena; /* the list's */
    SeriesList list;
    size_t points_most;
    size_t points_used;
    SampleVisit visit; /* NULL: into the list */
    void *context;
} Collection;

static bool
series_take(Collection *collection, Arena *scratch, const SampleStatement *statement, Error *error)
{
    ArenaMark mark = arena_mark(scratch);
    SampleSeries series = series_of(collection->visit == NULL ? collection->arena : scratch, statement);
    collection->points_used = series.count + (collection->visit == NULL ? collection->points_used : 0);
    if (collection->points_used > collection->points_most)
        return error_set(error, ERROR_LIMIT, "the range has more than %zu points", collection->points_most);
    if (collection->visit == NULL)
        vector_push(collection->arena, &collection->list, series);
    else
        collection->visit(&series, collection->context);
    arena_rewind(scratch, mark);
    return true;
}

static bool
series_collect(PgConnection *session, const SampleSourceOptions *options, Collection *collection,
               Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample series", SCRATCH_BYTES);
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample points", SCRATCH_BYTES);
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    SampleStatement statement;
    Error failure = {0};
    if (!sample_source_open(session, arena, options, &source, error) || !sample_source_fetch(source, error))
        return false;
    while (sample_source_next(source, &statement, &failure))
        if (!series_take(collection, scratch, &statement, error))
            return false;
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

static bool
series_read(PgConnection *session, const SampleRange *range, Collection *collection, Error *error)
{
    if (!sample_range_check(range, error))
        return false;
    SampleRange whole = *range;
    int64_t step_us = range->step_ms * 1000;
    if (step_us > 0) {
        whole.from_us = sample_time_floor(range->from_us, step_us);
        whole.to_us = sample_time_floor(range->to_us + step_us - 1, step_us);
    }
    collection->points_most = range->points_most == 0 ? POINTS_MOST : range->points_most;
    SampleSourceOptions options = {.range = &whole,
                                   .by_rounds = step_us == 0,
                                   .step_us = step_us,
                                   .buckets_most = collection->points_most};
    if (step_us > 0 && (uint64_t)(whole.to_us - whole.from_us) / (uint64_t)step_us > options.buckets_most)
        return error_set(error, ERROR_LIMIT, "the range has more than %zu points", options.buckets_most);
    if (!pg_transaction_begin_read_only(session, error))
        return error_prefix(error, "could not read samples");
    bool is_good = series_collect(session, &options, collection, error);
    Error ignored = {0};
    return (pg_transaction_end(session, is_good ? error : &ignored) && is_good) ||
           error_prefix(error, "could not read samples");
}

bool
sample_series_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleSeries **ret_series,
                   size_t *ret_count, Error *error)
{
    Collection collection = {.arena = arena};
    if (!series_read(session, range, &collection, error))
        return false;
    *ret_series = collection.list.items;
    *ret_count = collection.list.count;
    return true;
}

bool
sample_series_walk(PgConnection *session, const SampleRange *range, SampleVisit visit, void *context,
                   Error *error)
{
    Collection collection = {.visit = visit, .context = context};
    return series_read(session, range, &collection, error);
}
