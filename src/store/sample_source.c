// SPDX-License-Identifier: PostgreSQL
#include "store/sample_source_internal.h"

#include <string.h>

static bool
source_read_day_rows(SampleSource *source, Error *error)
{
    SampleTime last = sample_time_text(source->options.range->to_us - 1);
    return store_query_prepared_binary(source->session, "sample_source_days",
                                       STORE_PARAMETERS(source->target.text, source->from.text, last.text,
                                                        source->wanted.least.text,
                                                        source->wanted.greatest.text, source->wanted.list),
                                       &source->days.rows, error);
}

/* The totals of the whole days, and the rows of those that the range cuts. */
static bool
source_read_totals(SampleSource *source, Error *error)
{
    const SampleRange *range = source->options.range;
    const SourceWanted *wanted = &source->wanted;
    int64_t first_us = sample_time_floor(range->from_us + SAMPLE_DAY_US - 1, SAMPLE_DAY_US);
    int64_t after_us = sample_time_floor(range->to_us, SAMPLE_DAY_US);
    int64_t cut_us[2];
    size_t cut_count = 0;
    if (first_us != range->from_us)
        cut_us[cut_count++] = sample_time_floor(range->from_us, SAMPLE_DAY_US);
    if (after_us != range->to_us && (cut_count == 0 || cut_us[0] != after_us))
        cut_us[cut_count++] = after_us;
    if (cut_count > 0 &&
        !store_query_prepared_binary(
            source->session, "sample_source_days_cut",
            STORE_PARAMETERS(source->target.text, sample_times_text(source->arena, cut_us, cut_count),
                             sample_time_text(cut_us[0]).text, sample_time_text(cut_us[cut_count - 1]).text,
                             wanted->least.text, wanted->greatest.text, wanted->list),
            &source->days.rows, error))
        return false;
    SampleTime first = sample_time_text(first_us);
    SampleTime after = sample_time_text(after_us);
    return first_us >= after_us ||
           store_query_prepared_binary(source->session, "sample_source_totals",
                                       STORE_PARAMETERS(source->target.text, first.text, after.text,
                                                        wanted->least.text, wanted->greatest.text,
                                                        wanted->list),
                                       &source->totals.rows, error);
}

static bool
source_read_blocks(SampleSource *source, Error *error)
{
    const TimeList *windows = &source->windows;
    return windows->count == 0 ||
           store_query_prepared_binary(
               source->session, "sample_source_blocks",
               STORE_PARAMETERS(source->target.text,
                                sample_times_text(source->arena, windows->items, windows->count),
                                sample_time_text(windows->items[0]).text,
                                sample_time_text(windows->items[windows->count - 1]).text,
                                source->wanted.least.text, source->wanted.greatest.text, source->wanted.list),
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
        if (!sample_bytes_of(source->journal_rows, row, 2, &bytes, error) ||
            (bytes.size > 0 && !sample_pack_decode_selected(source->packs, bytes, SAMPLE_STATEMENTS_LIMIT,
                                                            &source->selection, &round->pack, error)))
            return false;
    }
    return true;
}

/* The survey's rounds again, now with what they hold: the transaction sees the same. */
static bool
source_read_journal(SampleSource *source, Error *error)
{
    if (source->journal_count == 0)
        return true;
    if (!store_query_prepared_binary(
            source->session, "sample_source_journal",
            STORE_PARAMETERS(source->target.text, source->database_ids, source->from.text, source->to.text),
            &source->journal_rows, error))
        return false;
    fettle_assert((size_t)pg_result_rows(source->journal_rows) == source->journal_count);
    return source_decode_journal(source, error);
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
    source->is_one_sum = !options->by_rounds && options->step_us >= range->to_us - range->from_us;
    source->uses_days = source->is_one_sum || (!options->by_rounds && is_by_hours);
    if (!sample_source_survey(source, error)) {
        sample_source_close(source);
        return false;
    }
    *ret_source = source;
    return true;
}

uint64_t
sample_source_signature(const SampleSource *source)
{
    bool is_by_hand = source->by_hand.rows != NULL && pg_result_rows(source->by_hand.rows) > 0;
    return is_by_hand ? 0 : source->signature;
}

bool
sample_source_fetch(SampleSource *source, Error *error)
{
    bool is_ranked = source->options.rank_by != 0;
    return source->entry_count == 0 ||
           ((!source->has_days ||
             (is_ranked ? source_read_totals(source, error) : source_read_day_rows(source, error))) &&
            source_read_blocks(source, error) && source_read_journal(source, error));
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
    source->wanted = sample_source_wanted(source->arena, statement_ids, count);
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
    const Grid *grid;
    SampleBucket *buckets;
    size_t count;
    bool is_active;
} Filling;

static bool
filling_add(Filling *filling, int64_t at_us, const SamplePack *pack, size_t at, Error *error)
{
    SampleBucket *bucket = sample_bucket_find(filling->source, filling->buckets, filling->count, at_us);
    if (bucket == NULL)
        return sample_source_damaged(error);
    if (filling->source->options.rank_by != 0)
        sample_sum_add_some(&bucket->sum, pack, at, 1, filling->source->options.rank_by);
    else
        sample_sum_add(&bucket->sum, pack, at);
    bucket->is_active = true;
    filling->is_active = true;
    return true;
}

/* A whole pack into the one sum. */
static void
filling_add_all(Filling *filling, const SamplePack *pack)
{
    SampleBucket *bucket = &filling->buckets[0];
    if (pack->count == 0)
        return;
    if (filling->source->options.rank_by != 0)
        sample_sum_add_some(&bucket->sum, pack, 0, pack->count, filling->source->options.rank_by);
    else
        for (size_t i = 0; i < pack->count; i++)
            sample_sum_add(&bucket->sum, pack, i);
    bucket->is_active = true;
    filling->is_active = true;
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
        if (sample_source_holds_hour(filling->source, hour_us) &&
            !filling_add(filling, hour_us, &pack, i, error))
            return false;
    }
    return true;
}

static bool
filling_add_block(Filling *filling, Arena *scratch, int64_t row, Error *error)
{
    const PgResult *rows = filling->source->blocks.rows;
    int64_t starts_us = pg_result_time_us(rows, row, 1);
    const SourceWindow *window =
        filling->grid->windows.count == 0
            ? NULL
            : bsearch(&starts_us, filling->grid->windows.items, filling->grid->windows.count,
                      sizeof(*filling->grid->windows.items), sample_time_compare);
    SampleBytes bytes;
    SamplePack pack;
    if (window == NULL)
        return sample_source_damaged(error);
    if (window->held_count == 0)
        return true;
    bool is_whole = window->held_count == window->at_us.count;
    SampleSelection selection = {.counters = filling->source->options.rank_by,
                                 .positions = is_whole ? NULL : window->held,
                                 .position_count = window->held_count};
    if (!sample_bytes_of(rows, row, 2, &bytes, error) ||
        !sample_pack_decode_selected(scratch, bytes, window->at_us.count, &selection, &pack, error))
        return false;
    if (filling->source->is_one_sum) {
        filling_add_all(filling, &pack);
        return true;
    }
    for (size_t i = 0; i < pack.count; i++)
        if (!filling_add(filling, window->at_us.items[pack.positions[i]], &pack, i, error))
            return false;
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
    SampleBucket *bucket = &filling->buckets[0];
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
    int64_t at_us = pg_result_time_us(rows, row, 1);
    int64_t interval_ms = pg_result_int(rows, row, 2, 0);
    int64_t counters[SAMPLE_COUNTER_COUNT];
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        counters[c] = pg_result_int(rows, row, 3 + c, 0);
    SampleBucket *bucket = sample_bucket_find(source, filling->buckets, filling->count, at_us);
    if (bucket == NULL) {
        fettle_assert(filling->buckets == source->work && filling->count < source->work_capacity);
        bucket = &source->work[filling->count++];
        *bucket = (SampleBucket){.from_us = at_us - interval_ms * 1000, .to_us = at_us};
        qsort(source->work, filling->count, sizeof(*source->work), sample_bucket_compare);
        bucket = sample_bucket_find(source, source->work, filling->count, at_us);
    }
    bucket->observed_ms += interval_ms;
    bucket->is_active = true;
    filling->is_active = true;
    sample_sum_add_counters(&bucket->sum, counters);
}

/* All of a statement but what is in the journal and by hand. */
static bool
filling_add_packed(Filling *filling, int32_t statement_id, Arena *scratch, Error *error)
{
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
    return true;
}

static void
filling_add_by_hand(Filling *filling, int32_t statement_id)
{
    int64_t row = 0;
    while (cursor_take(&filling->source->by_hand, statement_id, &row))
        filling_add_row(filling, row);
}

/* The statements of each grid, by their place among the entries. */
static void
source_list_grid_entries(SampleSource *source)
{
    for (size_t g = 0; g < source->grid_count; g++)
        source->grids[g].entries.count = 0;
    for (size_t i = 0; i < source->entry_count; i++)
        vector_push(source->arena, &source->entries[i].grid->entries, i);
}

/* A round into the sums of its database's statements; both ascend. */
static bool
source_add_round(SampleSource *source, const Grid *grid, JournalRound *round, Error *error)
{
    const SamplePack *pack = &round->pack;
    for (size_t e = 0; e < grid->entries.count && round->at < pack->count; e++) {
        size_t place = grid->entries.items[e];
        uint32_t wanted = (uint32_t)source->entries[place].statement_id;
        while (round->at < pack->count && pack->positions[round->at] < wanted)
            round->at++;
        Filling filling = {.source = source, .grid = grid, .buckets = &source->sums[place], .count = 1};
        if (round->at < pack->count && pack->positions[round->at] == wanted &&
            !filling_add(&filling, round->at_us, pack, round->at++, error))
            return false;
    }
    return true;
}

/* With a single bucket, everything of all statements: the journal's rounds are gone through one by one, where
 * statement by statement each would be looked into for each. */
static bool
source_add_up(SampleSource *source, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample source", (size_t)4 << 30);
    source->sums = ARENA_NEW_ARRAY(source->arena, SampleBucket, source->entry_count);
    for (size_t i = 0; i < source->entry_count; i++) {
        const SourceEntry *entry = &source->entries[i];
        source->sums[i] = entry->grid->buckets[0];
        Filling filling = {.source = source, .grid = entry->grid, .buckets = &source->sums[i], .count = 1};
        if (!filling_add_packed(&filling, entry->statement_id, scratch, error))
            return false;
    }
    source_list_grid_entries(source);
    for (size_t g = 0; g < source->grid_count; g++) {
        const Grid *grid = &source->grids[g];
        for (size_t i = 0; i < grid->journal_count; i++)
            if (!source_add_round(source, grid, &source->journal[grid->journal_first + i], error))
                return false;
    }
    for (size_t i = 0; i < source->entry_count; i++) {
        Filling filling = {.source = source, .buckets = &source->sums[i], .count = 1};
        filling_add_by_hand(&filling, source->entries[i].statement_id);
    }
    return true;
}

static bool
source_next_sum(SampleSource *source, SampleStatement *ret_statement, Error *error)
{
    if (source->next == 0 && !source_add_up(source, error))
        return false;
    while (source->next < source->entry_count) {
        const SourceEntry *entry = &source->entries[source->next];
        SampleBucket *sum = &source->sums[source->next++];
        if (!sum->is_active)
            continue;
        *ret_statement = (SampleStatement){.statement_id = entry->statement_id,
                                           .database_id = entry->grid->database_id,
                                           .query_hash = entry->query_hash,
                                           .buckets = sum,
                                           .bucket_count = 1};
        return true;
    }
    return false;
}

static bool
filling_fill(Filling *filling, int32_t statement_id, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample source", (size_t)4 << 30);
    if (!filling_add_packed(filling, statement_id, scratch, error) ||
        !filling_add_journal(filling, statement_id, error))
        return false;
    filling_add_by_hand(filling, statement_id);
    return true;
}

bool
sample_source_next(SampleSource *source, SampleStatement *ret_statement, Error *error)
{
    if (source->is_one_sum)
        return source_next_sum(source, ret_statement, error);
    while (source->next < source->entry_count) {
        const SourceEntry *entry = &source->entries[source->next++];
        Filling filling = {.source = source,
                           .grid = entry->grid,
                           .buckets = source->work,
                           .count = entry->grid->bucket_count};
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
