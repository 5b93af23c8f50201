// SPDX-License-Identifier: PostgreSQL
#include "store/sample_calls.h"

#include "base/list.h"
#include "base/map.h"
#include "store/sample_source.h"
#include "store/statement.h"

#include <math.h>
#include <string.h>

#define SCRATCH_BYTES ((size_t)8 << 30)

VECTOR_DEFINE(CallsList, SampleCalls);

typedef struct CallsRead {
    Arena *arena;
    Map *places; /* position + 1 in list, by hash and database */
    CallsList list;
    size_t hours;
    const DatabaseRows *databases;
} CallsRead;

static const char *
name_of(const DatabaseRows *databases, int32_t database_id)
{
    for (size_t i = 0; i < databases->count; i++)
        if (databases->items[i].database_id == database_id)
            return databases->items[i].database_name;
    return NULL;
}

static bool
statement_add(CallsRead *read, Arena *scratch, const SampleStatement *statement, Error *error)
{
    const char *database_name = name_of(read->databases, statement->database_id);
    if (database_name == NULL)
        return true; /* it came after the databases were read */
    const char *key =
        arena_printf(scratch, "%lld %d", (long long)statement->query_hash, (int)statement->database_id);
    uintptr_t place = (uintptr_t)map_get(read->places, key);
    if (place == 0) {
        if ((read->list.count + 1) * read->hours > SAMPLE_CALLS_CELLS_MOST)
            return error_set(error, ERROR_LIMIT, "there are more than %zu statements of %zu hours",
                             read->list.count, read->hours);
        SampleCalls calls = {.query_hash = statement->query_hash,
                             .database_name = database_name,
                             .hours = ARENA_NEW_ARRAY(read->arena, float, read->hours)};
        for (size_t i = 0; i < read->hours; i++)
            calls.hours[i] = NAN;
        vector_push(read->arena, &read->list, calls);
        place = read->list.count;
        map_put(read->places, key, (void *)place);
    }
    float *hours = read->list.items[place - 1].hours;
    for (size_t i = 0; i < statement->bucket_count && i < read->hours; i++) {
        const SampleBucket *bucket = &statement->buckets[i];
        if (bucket->observed_ms == 0 && !bucket->is_active)
            continue;
        float calls = bucket->is_active ? (float)bucket->sum.counters[SAMPLE_CALLS] : 0;
        hours[i] = isnan(hours[i]) ? calls : hours[i] + calls;
    }
    return true;
}

static bool
statements_read(PgConnection *session, CallsRead *read, const SampleSourceOptions *options, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample calls", SCRATCH_BYTES);
    FETTLE_CLEANUP(sample_source_close_at) SampleSource *source = NULL;
    SampleStatement statement;
    Error failure = {0};
    read->places = map_new(scratch);
    if (!sample_source_open(session, scratch, options, &source, error) || !sample_source_fetch(source, error))
        return false;
    while (sample_source_next(source, &statement, &failure))
        if (!statement_add(read, scratch, &statement, error))
            return false;
    if (failure.code != ERROR_NONE)
        *error = failure;
    return failure.code == ERROR_NONE;
}

bool
sample_calls_read(PgConnection *session, Arena *arena, const SampleRange *range, SampleCallsList *ret_calls,
                  Error *error)
{
    if (!sample_range_check(range, error))
        return false;
    SampleRange whole = *range;
    DatabaseRows databases;
    whole.step_ms = SAMPLE_HOUR_US / 1000;
    whole.from_us = sample_time_floor(range->from_us, SAMPLE_HOUR_US);
    whole.to_us = sample_time_floor(range->to_us + SAMPLE_HOUR_US - 1, SAMPLE_HOUR_US);
    CallsRead read = {.arena = arena, .hours = (size_t)((whole.to_us - whole.from_us) / SAMPLE_HOUR_US)};
    SampleSourceOptions options = {
        .range = &whole, .step_us = SAMPLE_HOUR_US, .buckets_most = SAMPLE_CALLS_CELLS_MOST};
    if (!database_rows_read(session, arena, range->target_id, &databases, error))
        return false;
    read.databases = &databases;
    if (!pg_transaction_begin_read_only(session, error))
        return error_prefix(error, "could not read samples");
    bool is_good = statements_read(session, &read, &options, error);
    Error ignored = {0};
    if (!pg_transaction_end(session, is_good ? error : &ignored) || !is_good)
        return error_prefix(error, "could not read samples");
    *ret_calls = (SampleCallsList){
        .items = read.list.items, .count = read.list.count, .hours = read.hours, .from_us = whole.from_us};
    return true;
}
