// SPDX-License-Identifier: PostgreSQL
/*
 * What there is in the range of a SampleSource: statements, days that are added up, times of blocks and of
 * the journal's rounds; with them which time was observed. No sample is read here.
 *
 * A round never changes once it is written, and a day is added up anew only when a round has come to it. So
 * what the range holds is told by the times of its rounds and the observed time of its hours, and their hash
 * is the signature that cached answers are known by. Rows by hand may be replaced: with them there is none.
 */
#include "store/sample_source_internal.h"

#include "base/hash.h"

#define WINDOWS_MOST 100000

bool
sample_source_damaged(Error *error)
{
    return error_set(error, ERROR_DAMAGED, "the times of packed samples are damaged");
}

static void
source_sign(SampleSource *source, const void *data, size_t size_bytes)
{
    source->signature = hash_bytes(data, size_bytes, source->signature);
}

static Grid *
source_grid(SampleSource *source, int32_t database_id)
{
    for (size_t i = 0; i < source->grid_count; i++)
        if (source->grids[i].database_id == database_id)
            return &source->grids[i];
    return NULL;
}

SampleBucket *
sample_bucket_find(const SampleSource *source, SampleBucket *buckets, size_t count, int64_t at_us)
{
    if (source->options.by_rounds) {
        SampleBucket wanted = {.to_us = at_us};
        return count == 0 ? NULL : bsearch(&wanted, buckets, count, sizeof(wanted), sample_bucket_compare);
    }
    int64_t since_us = at_us - source->options.range->from_us;
    if (since_us < source->options.step_us)
        return since_us >= 0 && count > 0 ? buckets : NULL;
    size_t number = (size_t)(since_us / source->options.step_us);
    return number < count ? &buckets[number] : NULL;
}

/* True when a sample of that time is counted by a day row. */
static bool
grid_has_in_days(const SampleSource *source, const Grid *grid, int64_t at_us)
{
    int64_t day_us = sample_time_floor(at_us, SAMPLE_DAY_US);
    return source->uses_days && grid->days.count > 0 &&
           sample_source_holds_hour(source, sample_time_floor(at_us, SAMPLE_HOUR_US)) &&
           bsearch(&day_us, grid->days.items, grid->days.count, sizeof(day_us), sample_time_compare) != NULL;
}

/* What a database's round says of the time it covers. */
static bool
grid_observe(SampleSource *source, Grid *grid, int64_t at_us, int64_t interval_ms, unsigned flags,
             Error *error)
{
    SampleBucket *bucket;
    if (source->options.by_rounds) {
        if (grid->bucket_count >= source->options.buckets_most)
            return error_set(error, ERROR_LIMIT, "the range has more than %zu rounds",
                             source->options.buckets_most);
        if (grid->bucket_count == grid->bucket_capacity)
            grid->buckets = vector_grow(source->arena, grid->buckets, grid->bucket_count,
                                        &grid->bucket_capacity, sizeof(*grid->buckets));
        bucket = &grid->buckets[grid->bucket_count++];
        *bucket = (SampleBucket){.from_us = at_us - interval_ms * 1000, .to_us = at_us};
    } else {
        bucket = sample_bucket_find(source, grid->buckets, grid->bucket_count, at_us);
        if (bucket == NULL)
            return sample_source_damaged(error);
    }
    bucket->observed_ms += interval_ms;
    bucket->flags |= flags;
    source_sign(source, (const int64_t[]){grid->database_id, at_us, interval_ms, flags}, 4 * sizeof(int64_t));
    return true;
}

SourceWanted
sample_source_wanted(Arena *arena, const int64_t *statement_ids, size_t count)
{
    fettle_assert(count > 0);
    int64_t least = statement_ids[0];
    int64_t greatest = statement_ids[count - 1];
    bool is_dense = (size_t)(greatest - least) + 1 == count;
    return (SourceWanted){.least = store_number(least),
                          .greatest = store_number(greatest),
                          .list = is_dense ? NULL : sample_numbers_text(arena, statement_ids, count)};
}

static void
source_make_grids(SampleSource *source, int64_t *databases)
{
    size_t count = source->entry_count;
    int64_t *unique = arena_memdup(source->arena, databases, count * sizeof(*databases));
    qsort(unique, count, sizeof(*unique), sample_time_compare);
    for (size_t i = 0; i < count; i++)
        if (source->grid_count == 0 || unique[i] != unique[source->grid_count - 1])
            unique[source->grid_count++] = unique[i];
    source->grids = ARENA_NEW_ARRAY(source->arena, Grid, source->grid_count);
    for (size_t i = 0; i < source->grid_count; i++)
        source->grids[i].database_id = (int32_t)unique[i];
    for (size_t i = 0; i < count; i++)
        source->entries[i].grid = source_grid(source, (int32_t)databases[i]);
    source->database_ids = sample_numbers_text(source->arena, unique, source->grid_count);
}

static bool
source_read_statements(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const SampleRange *range = source->options.range;
    StoreNumber hash = store_number(range->query_hash);
    bool is_some = range->query_hash != 0 || range->query_hashes != NULL;
    const char *hashes = range->query_hashes == NULL ? NULL
                                                     : sample_numbers_text(source->arena, range->query_hashes,
                                                                           range->query_hash_count);
    if (!store_query_prepared_binary(
            source->session, "sample_source_statements",
            STORE_PARAMETERS(source->target.text, range->database_name, hash.text, hashes), &rows, error))
        return false;
    size_t count = (size_t)pg_result_rows(rows);
    source->entries = ARENA_NEW_ARRAY(source->arena, SourceEntry, count);
    source->entry_count = count;
    uint32_t *positions = ARENA_NEW_ARRAY(source->arena, uint32_t, count);
    int64_t *ids = ARENA_NEW_ARRAY(source->arena, int64_t, count);
    int64_t *databases = ARENA_NEW_ARRAY(source->arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = pg_result_int(rows, (int64_t)i, 0, 0);
        positions[i] = (uint32_t)ids[i];
        databases[i] = pg_result_int(rows, (int64_t)i, 1, 0);
        source->entries[i] = (SourceEntry){.statement_id = (int32_t)ids[i],
                                           .query_hash = pg_result_int(rows, (int64_t)i, 2, 0)};
    }
    if (count == 0)
        return true;
    source_make_grids(source, databases);
    source_sign(source, ids, count * sizeof(*ids));
    source->wanted = (SourceWanted){.least = store_number(0), .greatest = store_number(INT32_MAX)};
    if (is_some || range->database_name != NULL)
        source->wanted = sample_source_wanted(source->arena, ids, count);
    if (is_some)
        source->selection = (SampleSelection){.positions = positions, .position_count = count};
    source->selection.counters = source->options.rank_by;
    return true;
}

static void
source_make_buckets(SampleSource *source)
{
    const SampleRange *range = source->options.range;
    int64_t step_us = source->options.step_us;
    size_t count = (size_t)((range->to_us - range->from_us + step_us - 1) / step_us);
    for (size_t g = 0; g < source->grid_count; g++) {
        Grid *grid = &source->grids[g];
        grid->buckets = ARENA_NEW_ARRAY(source->arena, SampleBucket, count);
        grid->bucket_count = count;
        for (size_t i = 0; i < count; i++) {
            grid->buckets[i].from_us = range->from_us + (int64_t)i * step_us;
            int64_t to_us = grid->buckets[i].from_us + step_us;
            grid->buckets[i].to_us = to_us < range->to_us ? to_us : range->to_us;
        }
    }
}

static bool
source_numbers(SampleSource *source, const PgResult *rows, int64_t row, int column,
               SampleNumbers *ret_numbers)
{
    return pg_result_ints(rows, row, column, source->arena, &ret_numbers->items, &ret_numbers->count);
}

/* The days that are added up, with the time observed in their hours. */
static bool
source_read_day_times(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *times = NULL;
    SampleTime last = sample_time_text(source->options.range->to_us - 1);
    if (!store_query_prepared_binary(
            source->session, "sample_source_day_times",
            STORE_PARAMETERS(source->target.text, source->from.text, last.text, source->database_ids), &times,
            error))
        return false;
    source->has_days = pg_result_rows(times) > 0;
    for (int64_t row = 0; row < pg_result_rows(times); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(times, row, 0, 0));
        int64_t day_us = pg_result_time_us(times, row, 1);
        SampleNumbers observed;
        SampleNumbers flags;
        if (grid == NULL || !source_numbers(source, times, row, 2, &observed) ||
            !source_numbers(source, times, row, 3, &flags) || observed.count != SAMPLE_DAY_HOURS ||
            flags.count != SAMPLE_DAY_HOURS)
            return sample_source_damaged(error);
        vector_push(source->arena, &grid->days, day_us);
        for (size_t hour = 0; hour < SAMPLE_DAY_HOURS; hour++) {
            int64_t hour_us = day_us + (int64_t)hour * SAMPLE_HOUR_US;
            if (observed.items[hour] > 0 && sample_source_holds_hour(source, hour_us) &&
                !grid_observe(source, grid, hour_us, observed.items[hour], (unsigned)flags.items[hour],
                              error))
                return false;
        }
    }
    return true;
}

/* The blocks of the days that are not added up, and those in which the range cuts an hour. */
static bool
source_list_open_windows(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *open = NULL;
    const SampleRange *range = source->options.range;
    SampleTime last = sample_time_text(range->to_us - 1);
    if (!store_query_prepared_binary(
            source->session, "sample_days_open",
            STORE_PARAMETERS(source->target.text, source->from.text, last.text, source->database_ids), &open,
            error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(open); row++) {
        int64_t day_us = pg_result_time_us(open, row, 1);
        for (int64_t at = day_us; at < day_us + SAMPLE_DAY_US; at += SAMPLE_BLOCK_US)
            if (at < range->to_us && at + SAMPLE_BLOCK_US > range->from_us)
                vector_push(source->arena, &source->windows, at);
    }
    if (range->from_us % SAMPLE_HOUR_US != 0)
        vector_push(source->arena, &source->windows, sample_time_floor(range->from_us, SAMPLE_BLOCK_US));
    if (range->to_us % SAMPLE_HOUR_US != 0)
        vector_push(source->arena, &source->windows, sample_time_floor(range->to_us, SAMPLE_BLOCK_US));
    return true;
}

/* Where blocks must be read, ascending, each once. */
static bool
source_list_windows(SampleSource *source, Error *error)
{
    const SampleRange *range = source->options.range;
    TimeList *windows = &source->windows;
    if (source->uses_days && !source_list_open_windows(source, error))
        return false;
    if (!source->uses_days)
        for (int64_t at = sample_time_floor(range->from_us, SAMPLE_BLOCK_US); at < range->to_us;
             at += SAMPLE_BLOCK_US)
            vector_push(source->arena, windows, at);
    if (windows->count > WINDOWS_MOST)
        return error_set(error, ERROR_LIMIT, "the range is too long to be read sample by sample");
    if (windows->count > 0)
        qsort(windows->items, windows->count, sizeof(*windows->items), sample_time_compare);
    size_t count = 0;
    for (size_t i = 0; i < windows->count; i++)
        if (count == 0 || windows->items[i] != windows->items[count - 1])
            windows->items[count++] = windows->items[i];
    windows->count = count;
    return true;
}

static bool
source_add_window(SampleSource *source, Grid *grid, const PgResult *times, int64_t row, Error *error)
{
    SourceWindow window = {.starts_us = pg_result_time_us(times, row, 1)};
    SampleNumbers intervals;
    SampleNumbers flags;
    if (!source_numbers(source, times, row, 2, &window.at_us) ||
        !source_numbers(source, times, row, 3, &intervals) ||
        !source_numbers(source, times, row, 4, &flags) || intervals.count != window.at_us.count ||
        flags.count != window.at_us.count)
        return sample_source_damaged(error);
    window.held = ARENA_NEW_ARRAY(source->arena, uint32_t, window.at_us.count);
    for (size_t i = 0; i < window.at_us.count; i++) {
        int64_t at_us = window.at_us.items[i];
        if (!sample_source_holds(source, at_us) || grid_has_in_days(source, grid, at_us))
            continue;
        window.held[window.held_count++] = (uint32_t)i;
        if (!grid_observe(source, grid, at_us, intervals.items[i], (unsigned)flags.items[i], error))
            return false;
    }
    vector_push(source->arena, &grid->windows, window);
    return true;
}

static bool
source_read_times(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *times = NULL;
    const TimeList *windows = &source->windows;
    if (windows->count == 0)
        return true;
    if (!store_query_prepared_binary(
            source->session, "sample_source_times",
            STORE_PARAMETERS(source->target.text, source->database_ids,
                             sample_times_text(source->arena, windows->items, windows->count),
                             sample_time_text(windows->items[0]).text,
                             sample_time_text(windows->items[windows->count - 1]).text),
            &times, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(times); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(times, row, 0, 0));
        if (grid == NULL)
            return sample_source_damaged(error);
        if (!source_add_window(source, grid, times, row, error))
            return false;
    }
    return true;
}

static bool
source_read_rounds(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query_prepared_binary(
            source->session, "sample_source_rounds",
            STORE_PARAMETERS(source->target.text, source->database_ids, source->from.text, source->to.text),
            &rows, error))
        return false;
    source->journal_count = (size_t)pg_result_rows(rows);
    source->journal = ARENA_NEW_ARRAY(source->arena, JournalRound, source->journal_count);
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(rows, row, 0, 0));
        source->journal[row].at_us = pg_result_time_us(rows, row, 1);
        if (grid == NULL)
            return sample_source_damaged(error);
        if (grid->journal_count++ == 0)
            grid->journal_first = (size_t)row;
        if (!grid_observe(source, grid, source->journal[row].at_us, pg_result_int(rows, row, 2, 0),
                          (unsigned)pg_result_int(rows, row, 3, 0), error))
            return false;
    }
    return true;
}

static bool
source_read_by_hand(SampleSource *source, Error *error)
{
    return store_query_prepared_binary(source->session, "sample_source_rows",
                                       STORE_PARAMETERS(source->target.text, source->from.text,
                                                        source->to.text, source->wanted.least.text,
                                                        source->wanted.greatest.text, source->wanted.list),
                                       &source->by_hand.rows, error);
}

bool
sample_source_survey(SampleSource *source, Error *error)
{
    if (!source_read_statements(source, error))
        return false;
    if (source->entry_count == 0)
        return true;
    if (!source->options.by_rounds)
        source_make_buckets(source);
    if ((source->uses_days && !source_read_day_times(source, error)) || !source_list_windows(source, error) ||
        !source_read_times(source, error) || !source_read_rounds(source, error) ||
        !source_read_by_hand(source, error))
        return false;
    for (size_t g = 0; g < source->grid_count; g++) {
        Grid *grid = &source->grids[g];
        if (source->options.by_rounds && grid->bucket_count > 0)
            qsort(grid->buckets, grid->bucket_count, sizeof(*grid->buckets), sample_bucket_compare);
        if (grid->bucket_count > source->work_capacity)
            source->work_capacity = grid->bucket_count;
    }
    source->work_capacity += (size_t)pg_result_rows(source->by_hand.rows);
    source->work = ARENA_NEW_ARRAY(source->arena, SampleBucket, source->work_capacity);
    return true;
}
