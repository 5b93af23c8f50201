// SPDX-License-Identifier: PostgreSQL
#include "store/sample_source.h"

#include "base/list.h"

#include <stdlib.h>
#include <string.h>

#define WINDOWS_MOST 100000

typedef struct SourceWindow {
    int64_t starts_us;
    SampleNumbers at_us;
} SourceWindow;

VECTOR_DEFINE(WindowList, SourceWindow);
VECTOR_DEFINE(TimeList, int64_t);

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

struct SampleSource {
    PgConnection *session;
    Arena *arena;
    SampleSourceOptions options;
    bool uses_days;
    StoreNumber target;
    SampleTime from;
    SampleTime to;
    const char *statement_ids; /* NULL: all */
    const char *database_ids;
    Grid *grids;
    size_t grid_count;
    SourceEntry *entries;
    size_t entry_count;
    size_t next;
    SampleSelection selection;
    PgResult *journal_rows;
    JournalRound *journal;
    Arena *packs; /* what the journal's rounds are decoded into */
    Cursor totals;
    Cursor days;
    Cursor blocks;
    Cursor by_hand;
    SampleBucket *work;
    size_t work_capacity;
};

static bool
source_damaged(Error *error)
{
    return error_set(error, ERROR_DAMAGED, "the times of packed samples are damaged");
}

static Grid *
source_grid(SampleSource *source, int32_t database_id)
{
    for (size_t i = 0; i < source->grid_count; i++)
        if (source->grids[i].database_id == database_id)
            return &source->grids[i];
    return NULL;
}

static bool
source_holds(const SampleSource *source, int64_t at_us)
{
    return at_us >= source->options.range->from_us && at_us < source->options.range->to_us;
}

static bool
source_holds_hour(const SampleSource *source, int64_t hour_us)
{
    return hour_us >= source->options.range->from_us &&
           hour_us + SAMPLE_HOUR_US <= source->options.range->to_us;
}

static int
time_compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* True when a sample of that time is counted by a day row. */
static bool
grid_has_in_days(const SampleSource *source, const Grid *grid, int64_t at_us)
{
    int64_t day_us = sample_time_floor(at_us, SAMPLE_DAY_US);
    return source->uses_days && source_holds_hour(source, sample_time_floor(at_us, SAMPLE_HOUR_US)) &&
           grid->days.count > 0 &&
           bsearch(&day_us, grid->days.items, grid->days.count, sizeof(day_us), time_compare) != NULL;
}

static int
bucket_compare(const void *a, const void *b)
{
    return time_compare(&((const SampleBucket *)a)->to_us, &((const SampleBucket *)b)->to_us);
}

static SampleBucket *
bucket_find(const SampleSource *source, SampleBucket *buckets, size_t count, int64_t at_us)
{
    if (source->options.by_rounds) {
        SampleBucket wanted = {.to_us = at_us};
        return count == 0 ? NULL : bsearch(&wanted, buckets, count, sizeof(wanted), bucket_compare);
    }
    size_t number = (size_t)((at_us - source->options.range->from_us) / source->options.step_us);
    return number < count ? &buckets[number] : NULL;
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
        bucket = bucket_find(source, grid->buckets, grid->bucket_count, at_us);
        if (bucket == NULL)
            return source_damaged(error);
    }
    bucket->observed_ms += interval_ms;
    bucket->flags |= flags;
    return true;
}

static bool
source_read_statements(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    const SampleRange *range = source->options.range;
    StoreNumber hash = store_number(range->query_hash);
    if (!store_query_binary(source->session, "sample_source_statements",
                            STORE_PARAMETERS(source->target.text, range->database_name, hash.text), &rows,
                            error))
        return false;
    size_t count = (size_t)pg_result_rows(rows);
    uint32_t *positions = ARENA_NEW_ARRAY(source->arena, uint32_t, count);
    source->entries = ARENA_NEW_ARRAY(source->arena, SourceEntry, count);
    int64_t *ids = ARENA_NEW_ARRAY(source->arena, int64_t, count);
    int64_t *databases = ARENA_NEW_ARRAY(source->arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        ids[i] = pg_result_int(rows, (int64_t)i, 0, 0);
        positions[i] = (uint32_t)ids[i];
        databases[i] = pg_result_int(rows, (int64_t)i, 1, 0);
        source->entries[i] = (SourceEntry){.statement_id = (int32_t)ids[i],
                                           .query_hash = pg_result_int(rows, (int64_t)i, 2, 0)};
    }
    source->entry_count = count;
    int64_t *unique = arena_memdup(source->arena, databases, count * sizeof(*databases));
    qsort(unique, count, sizeof(*unique), time_compare);
    source->grids = ARENA_NEW_ARRAY(source->arena, Grid, count);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || unique[i] != unique[i - 1]) {
            unique[source->grid_count] = unique[i];
            source->grids[source->grid_count++].database_id = (int32_t)unique[i];
        }
    for (size_t i = 0; i < count; i++)
        source->entries[i].grid = source_grid(source, (int32_t)databases[i]);
    source->database_ids = sample_numbers_text(source->arena, unique, source->grid_count);
    if (range->query_hash != 0 || range->database_name != NULL)
        source->statement_ids = sample_numbers_text(source->arena, ids, count);
    if (range->query_hash != 0)
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
source_read_day_rows(SampleSource *source, Error *error)
{
    SampleTime last = sample_time_text(source->options.range->to_us - 1);
    return store_query_binary(
        source->session, "sample_source_days",
        STORE_PARAMETERS(source->target.text, source->from.text, last.text, source->statement_ids),
        &source->days.rows, error);
}

/* The totals of the whole days, and the rows of those that the range cuts. */
static bool
source_read_totals(SampleSource *source, Error *error)
{
    const SampleRange *range = source->options.range;
    int64_t first_us = sample_time_floor(range->from_us + SAMPLE_DAY_US - 1, SAMPLE_DAY_US);
    int64_t after_us = sample_time_floor(range->to_us, SAMPLE_DAY_US);
    int64_t cut_us[2];
    size_t cut_count = 0;
    if (first_us != range->from_us)
        cut_us[cut_count++] = sample_time_floor(range->from_us, SAMPLE_DAY_US);
    if (after_us != range->to_us && (cut_count == 0 || cut_us[0] != after_us))
        cut_us[cut_count++] = after_us;
    if (cut_count > 0 &&
        !store_query_binary(source->session, "sample_source_days_cut",
                            STORE_PARAMETERS(source->target.text,
                                             sample_times_text(source->arena, cut_us, cut_count),
                                             source->statement_ids),
                            &source->days.rows, error))
        return false;
    SampleTime first = sample_time_text(first_us);
    SampleTime after = sample_time_text(after_us);
    return first_us >= after_us || store_query_binary(source->session, "sample_source_totals",
                                                      STORE_PARAMETERS(source->target.text, first.text,
                                                                       after.text, source->statement_ids),
                                                      &source->totals.rows, error);
}

/* The days that are added up, with the time observed in their hours; then their rows. */
static bool
source_read_days(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *times = NULL;
    SampleTime last = sample_time_text(source->options.range->to_us - 1);
    if (!store_query(
            source->session, "sample_source_day_times",
            STORE_PARAMETERS(source->target.text, source->from.text, last.text, source->database_ids), &times,
            error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(times); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(times, row, 0, 0));
        int64_t day_us = pg_result_int(times, row, 1, 0);
        SampleNumbers observed;
        SampleNumbers flags;
        if (grid == NULL ||
            !sample_numbers_parse(source->arena, pg_result_text(times, row, 2), &observed, error) ||
            !sample_numbers_parse(source->arena, pg_result_text(times, row, 3), &flags, error) ||
            observed.count != SAMPLE_DAY_HOURS || flags.count != SAMPLE_DAY_HOURS)
            return source_damaged(error);
        vector_push(source->arena, &grid->days, day_us);
        for (size_t hour = 0; hour < SAMPLE_DAY_HOURS; hour++) {
            int64_t hour_us = day_us + (int64_t)hour * SAMPLE_HOUR_US;
            if (observed.items[hour] > 0 && source_holds_hour(source, hour_us) &&
                !grid_observe(source, grid, hour_us, observed.items[hour], (unsigned)flags.items[hour],
                              error))
                return false;
        }
    }
    return pg_result_rows(times) == 0 || (source->options.rank_by != 0 ? source_read_totals(source, error)
                                                                       : source_read_day_rows(source, error));
}

/* Where blocks must be read: everywhere, or in the days that are not added up and where the range cuts an
 * hour. */
static bool
source_list_windows(SampleSource *source, TimeList *windows, Error *error)
{
    const SampleRange *range = source->options.range;
    if (!source->uses_days) {
        for (int64_t at = sample_time_floor(range->from_us, SAMPLE_BLOCK_US); at < range->to_us;
             at += SAMPLE_BLOCK_US)
            vector_push(source->arena, windows, at);
        return true;
    }
    FETTLE_CLEANUP(pg_result_free_at) PgResult *open = NULL;
    SampleTime last = sample_time_text(range->to_us - 1);
    if (!store_query(
            source->session, "sample_days_open",
            STORE_PARAMETERS(source->target.text, source->from.text, last.text, source->database_ids), &open,
            error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(open); row++) {
        int64_t day_us = pg_result_int(open, row, 1, 0);
        for (int64_t at = day_us; at < day_us + SAMPLE_DAY_US; at += SAMPLE_BLOCK_US)
            if (at < range->to_us && at + SAMPLE_BLOCK_US > range->from_us)
                vector_push(source->arena, windows, at);
    }
    if (range->from_us % SAMPLE_HOUR_US != 0)
        vector_push(source->arena, windows, sample_time_floor(range->from_us, SAMPLE_BLOCK_US));
    if (range->to_us % SAMPLE_HOUR_US != 0)
        vector_push(source->arena, windows, sample_time_floor(range->to_us, SAMPLE_BLOCK_US));
    return true;
}

static bool
source_read_times(SampleSource *source, const char *windows, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *times = NULL;
    if (!store_query(source->session, "sample_source_times",
                     STORE_PARAMETERS(source->target.text, source->database_ids, windows), &times, error))
        return false;
    for (int64_t row = 0; row < pg_result_rows(times); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(times, row, 0, 0));
        SourceWindow window = {.starts_us = pg_result_int(times, row, 1, 0)};
        SampleNumbers intervals;
        SampleNumbers flags;
        if (grid == NULL ||
            !sample_numbers_parse(source->arena, pg_result_text(times, row, 2), &window.at_us, error) ||
            !sample_numbers_parse(source->arena, pg_result_text(times, row, 3), &intervals, error) ||
            !sample_numbers_parse(source->arena, pg_result_text(times, row, 4), &flags, error) ||
            intervals.count != window.at_us.count || flags.count != window.at_us.count)
            return source_damaged(error);
        vector_push(source->arena, &grid->windows, window);
        for (size_t i = 0; i < window.at_us.count; i++) {
            int64_t at_us = window.at_us.items[i];
            if (source_holds(source, at_us) && !grid_has_in_days(source, grid, at_us) &&
                !grid_observe(source, grid, at_us, intervals.items[i], (unsigned)flags.items[i], error))
                return false;
        }
    }
    return true;
}

static bool
source_read_blocks(SampleSource *source, Error *error)
{
    TimeList windows = {0};
    if (!source_list_windows(source, &windows, error))
        return false;
    if (windows.count == 0)
        return true;
    if (windows.count > WINDOWS_MOST)
        return error_set(error, ERROR_LIMIT, "the range is too long to be read sample by sample");
    qsort(windows.items, windows.count, sizeof(*windows.items), time_compare);
    size_t count = 0;
    for (size_t i = 0; i < windows.count; i++)
        if (i == 0 || windows.items[i] != windows.items[i - 1])
            windows.items[count++] = windows.items[i];
    const char *list = sample_times_text(source->arena, windows.items, count);
    return source_read_times(source, list, error) &&
           store_query_binary(source->session, "sample_source_blocks",
                              STORE_PARAMETERS(source->target.text, list, source->statement_ids),
                              &source->blocks.rows, error);
}

/* The selection of every round. */
static bool
source_decode_journal(SampleSource *source, Error *error)
{
    arena_free(source->packs);
    source->packs = arena_new("sample journal", (size_t)8 << 30);
    for (int64_t row = 0; row < pg_result_rows(source->journal_rows); row++) {
        JournalRound *round = &source->journal[row];
        SampleBytes bytes;
        round->pack = (SamplePack){0};
        round->at = 0;
        if (!sample_bytes_of(source->journal_rows, row, 4, &bytes, error) ||
            (bytes.size > 0 && !sample_pack_decode_selected(source->packs, bytes, SAMPLE_STATEMENTS_LIMIT,
                                                            &source->selection, &round->pack, error)))
            return false;
    }
    return true;
}

static bool
source_read_journal(SampleSource *source, Error *error)
{
    if (!store_query_binary(
            source->session, "sample_source_journal",
            STORE_PARAMETERS(source->target.text, source->database_ids, source->from.text, source->to.text),
            &source->journal_rows, error))
        return false;
    const PgResult *rows = source->journal_rows;
    source->journal = ARENA_NEW_ARRAY(source->arena, JournalRound, (size_t)pg_result_rows(rows));
    for (int64_t row = 0; row < pg_result_rows(rows); row++) {
        Grid *grid = source_grid(source, (int32_t)pg_result_int(rows, row, 0, 0));
        source->journal[row].at_us = pg_result_time_us(rows, row, 1);
        if (grid == NULL)
            return source_damaged(error);
        if (grid->journal_count++ == 0)
            grid->journal_first = (size_t)row;
        if (!grid_observe(source, grid, source->journal[row].at_us, pg_result_int(rows, row, 2, 0),
                          (unsigned)pg_result_int(rows, row, 3, 0), error))
            return false;
    }
    return source_decode_journal(source, error);
}

static bool
source_read(SampleSource *source, Error *error)
{
    if (!source_read_statements(source, error))
        return false;
    if (source->entry_count == 0)
        return true;
    if (!source->options.by_rounds)
        source_make_buckets(source);
    if ((source->uses_days && !source_read_days(source, error)) || !source_read_blocks(source, error) ||
        !source_read_journal(source, error) ||
        !store_query(
            source->session, "sample_source_rows",
            STORE_PARAMETERS(source->target.text, source->from.text, source->to.text, source->statement_ids),
            &source->by_hand.rows, error))
        return false;
    for (size_t g = 0; g < source->grid_count; g++) {
        Grid *grid = &source->grids[g];
        if (source->options.by_rounds && grid->bucket_count > 0)
            qsort(grid->buckets, grid->bucket_count, sizeof(*grid->buckets), bucket_compare);
        if (grid->bucket_count > source->work_capacity)
            source->work_capacity = grid->bucket_count;
    }
    source->work_capacity += (size_t)pg_result_rows(source->by_hand.rows);
    source->work = ARENA_NEW_ARRAY(source->arena, SampleBucket, source->work_capacity);
    return true;
}

bool
sample_source_open(PgConnection *session, Arena *arena, const SampleSourceOptions *options,
                   SampleSource **ret_source, Error *error)
{
    const SampleRange *range = options->range;
    fettle_assert(range->from_us < range->to_us && (options->by_rounds || options->step_us > 0));
    fettle_assert(options->rank_by == 0 || options->step_us >= range->to_us - range->from_us);
    SampleSource *source = ARENA_NEW(arena, SampleSource);
    source->session = session;
    source->arena = arena;
    source->options = *options;
    source->target = store_number(range->target_id);
    source->from = sample_time_text(range->from_us);
    source->to = sample_time_text(range->to_us);
    bool is_by_hours = options->step_us % SAMPLE_HOUR_US == 0 && range->from_us % SAMPLE_HOUR_US == 0;
    source->uses_days =
        !options->by_rounds && (is_by_hours || options->step_us >= range->to_us - range->from_us);
    if (!source_read(source, error)) {
        sample_source_close(source);
        return false;
    }
    *ret_source = source;
    return true;
}

bool
sample_source_again(SampleSource *source, const int64_t *statement_ids, size_t count, Error *error)
{
    uint32_t *positions = ARENA_NEW_ARRAY(source->arena, uint32_t, count);
    size_t kept = 0;
    for (size_t i = 0; i < source->entry_count && kept < count; i++)
        if (source->entries[i].statement_id == statement_ids[kept]) {
            positions[kept] = (uint32_t)statement_ids[kept];
            source->entries[kept++] = source->entries[i];
        }
    fettle_assert(kept == count);
    source->entry_count = count;
    source->next = 0;
    source->days.at = source->blocks.at = source->by_hand.at = 0;
    source->options.rank_by = 0;
    source->selection = (SampleSelection){.positions = positions, .position_count = count};
    source->statement_ids = sample_numbers_text(source->arena, statement_ids, count);
    if (source->totals.rows != NULL) {
        pg_result_free_at(&source->totals.rows);
        pg_result_free_at(&source->days.rows);
        if (!source_read_day_rows(source, error))
            return false;
    }
    return source->journal_rows == NULL || source_decode_journal(source, error);
}

void
sample_source_close(SampleSource *source)
{
    if (source == NULL)
        return;
    arena_free(source->packs);
    source->packs = NULL;
    pg_result_free_at(&source->journal_rows);
    pg_result_free_at(&source->totals.rows);
    pg_result_free_at(&source->days.rows);
    pg_result_free_at(&source->blocks.rows);
    pg_result_free_at(&source->by_hand.rows);
}

void
sample_source_close_at(SampleSource **source)
{
    sample_source_close(*source);
}

/* The cursor's next row when it is the statement's; rows of unknown statements are passed over. */
static bool
cursor_take(Cursor *cursor, int32_t statement_id, int64_t *ret_row)
{
    if (cursor->rows == NULL)
        return false;
    while (cursor->at < pg_result_rows(cursor->rows) &&
           pg_result_int(cursor->rows, cursor->at, 0, 0) < statement_id)
        cursor->at++;
    if (cursor->at >= pg_result_rows(cursor->rows) ||
        pg_result_int(cursor->rows, cursor->at, 0, 0) != statement_id)
        return false;
    *ret_row = cursor->at++;
    return true;
}

/* The statement whose buckets are being filled. */
typedef struct Filling {
    SampleSource *source;
    Grid *grid;
    size_t count;
    bool is_active;
} Filling;

static bool
filling_add(Filling *filling, int64_t at_us, const SamplePack *pack, size_t at, Error *error)
{
    SampleBucket *bucket = bucket_find(filling->source, filling->source->work, filling->count, at_us);
    if (bucket == NULL)
        return source_damaged(error);
    if (filling->source->options.rank_by != 0)
        sample_sum_add_some(&bucket->sum, pack, at, filling->source->options.rank_by);
    else
        sample_sum_add(&bucket->sum, pack, at);
    bucket->is_active = true;
    filling->is_active = true;
    return true;
}

static bool
filling_add_day(Filling *filling, Arena *scratch, int64_t row, Error *error)
{
    const PgResult *rows = filling->source->days.rows;
    int64_t day_us = pg_result_time_us(rows, row, 1);
    SampleSelection selection = {.counters = filling->source->options.rank_by};
    SampleBytes bytes;
    SamplePack pack;
    if (!sample_bytes_of(rows, row, 2, &bytes, error) ||
        !sample_pack_decode_selected(scratch, bytes, SAMPLE_DAY_HOURS, &selection, &pack, error))
        return false;
    for (size_t i = 0; i < pack.count; i++) {
        int64_t hour_us = day_us + (int64_t)pack.positions[i] * SAMPLE_HOUR_US;
        if (source_holds_hour(filling->source, hour_us) && !filling_add(filling, hour_us, &pack, i, error))
            return false;
    }
    return true;
}

static bool
filling_add_block(Filling *filling, Arena *scratch, int64_t row, Error *error)
{
    const PgResult *rows = filling->source->blocks.rows;
    int64_t starts_us = pg_result_time_us(rows, row, 1);
    SampleSelection selection = {.counters = filling->source->options.rank_by};
    const SourceWindow *window =
        filling->grid->windows.count == 0
            ? NULL
            : bsearch(&starts_us, filling->grid->windows.items, filling->grid->windows.count,
                      sizeof(*filling->grid->windows.items), time_compare);
    SampleBytes bytes;
    SamplePack pack;
    if (window == NULL)
        return source_damaged(error);
    if (!sample_bytes_of(rows, row, 2, &bytes, error) ||
        !sample_pack_decode_selected(scratch, bytes, window->at_us.count, &selection, &pack, error))
        return false;
    for (size_t i = 0; i < pack.count; i++) {
        int64_t at_us = window->at_us.items[pack.positions[i]];
        if (source_holds(filling->source, at_us) &&
            !grid_has_in_days(filling->source, filling->grid, at_us) &&
            !filling_add(filling, at_us, &pack, i, error))
            return false;
    }
    return true;
}

/* Statements come in ascending order, so each round is passed through once. */
static bool
filling_add_journal(Filling *filling, int32_t statement_id, Error *error)
{
    uint32_t wanted = (uint32_t)statement_id;
    const Grid *grid = filling->grid;
    for (size_t i = 0; i < grid->journal_count; i++) {
        JournalRound *round = &filling->source->journal[grid->journal_first + i];
        while (round->at < round->pack.count && round->pack.positions[round->at] < wanted)
            round->at++;
        if (round->at < round->pack.count && round->pack.positions[round->at] == wanted &&
            !filling_add(filling, round->at_us, &round->pack, round->at++, error))
            return false;
    }
    return true;
}

/* The whole days of a window that is ranked. */
static void
filling_add_totals(Filling *filling, int64_t row)
{
    const PgResult *rows = filling->source->totals.rows;
    int64_t temp_blocks = pg_result_int(rows, row, 5, 0);
    const int64_t counters[SAMPLE_COUNTER_COUNT] = {
        [SAMPLE_CALLS] = pg_result_int(rows, row, 1, 0),
        [SAMPLE_ROWS] = pg_result_int(rows, row, 2, 0),
        [SAMPLE_EXEC_US] = pg_result_int(rows, row, 3, 0),
        [SAMPLE_SHARED_READ] = pg_result_int(rows, row, 4, 0) - temp_blocks,
        [SAMPLE_TEMP_READ] = temp_blocks,
        [SAMPLE_WAL_BYTES] = pg_result_int(rows, row, 6, 0),
    };
    SampleBucket *bucket = &filling->source->work[0];
    sample_sum_add_counters(&bucket->sum, counters);
    bucket->is_active = true;
    filling->is_active = true;
}

/* A row by hand brings its own observed time. */
static void
filling_add_row(Filling *filling, int64_t row)
{
    SampleSource *source = filling->source;
    const PgResult *rows = source->by_hand.rows;
    int64_t at_us = pg_result_int(rows, row, 1, 0);
    int64_t interval_ms = pg_result_int(rows, row, 2, 0);
    int64_t counters[SAMPLE_COUNTER_COUNT];
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        counters[c] = pg_result_int(rows, row, 3 + c, 0);
    SampleBucket *bucket = bucket_find(source, source->work, filling->count, at_us);
    if (bucket == NULL) {
        fettle_assert(filling->count < source->work_capacity);
        bucket = &source->work[filling->count++];
        *bucket = (SampleBucket){.from_us = at_us - interval_ms * 1000, .to_us = at_us};
        qsort(source->work, filling->count, sizeof(*source->work), bucket_compare);
        bucket = bucket_find(source, source->work, filling->count, at_us);
    }
    bucket->observed_ms += interval_ms;
    bucket->is_active = true;
    filling->is_active = true;
    sample_sum_add_counters(&bucket->sum, counters);
}

static bool
filling_fill(Filling *filling, int32_t statement_id, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample source", (size_t)4 << 30);
    SampleSource *source = filling->source;
    ArenaMark mark = arena_mark(scratch);
    int64_t row = 0;
    if (cursor_take(&source->totals, statement_id, &row))
        filling_add_totals(filling, row);
    while (cursor_take(&source->days, statement_id, &row)) {
        if (!filling_add_day(filling, scratch, row, error))
            return false;
        arena_rewind(scratch, mark);
    }
    while (cursor_take(&source->blocks, statement_id, &row)) {
        if (!filling_add_block(filling, scratch, row, error))
            return false;
        arena_rewind(scratch, mark);
    }
    if (!filling_add_journal(filling, statement_id, error))
        return false;
    while (cursor_take(&source->by_hand, statement_id, &row))
        filling_add_row(filling, row);
    return true;
}

bool
sample_source_next(SampleSource *source, SampleStatement *ret_statement, Error *error)
{
    while (source->next < source->entry_count) {
        const SourceEntry *entry = &source->entries[source->next++];
        Filling filling = {.source = source, .grid = entry->grid, .count = entry->grid->bucket_count};
        if (filling.count > 0)
            memcpy(source->work, entry->grid->buckets, filling.count * sizeof(*source->work));
        if (!filling_fill(&filling, entry->statement_id, error))
            return false;
        if (!filling.is_active)
            continue;
        *ret_statement = (SampleStatement){.statement_id = entry->statement_id,
                                           .database_id = entry->grid->database_id,
                                           .query_hash = entry->query_hash,
                                           .buckets = source->work,
                                           .bucket_count = filling.count};
        return true;
    }
    return false;
}
