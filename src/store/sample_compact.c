// SPDX-License-Identifier: PostgreSQL
/*
 * The journal into blocks.
 *
 * What is in the journal is what is not packed, so the journal itself says what is to be done: a window of
 * four hours with rounds before the due time is packed, in one transaction that writes the blocks and deletes
 * the rounds. It is repeated from there after any stop. A round that comes after its window was packed waits
 * in the journal for the next compaction, which unpacks the window, adds the round, and packs it again; the
 * day it belongs to is taken back and added up anew. A round of which the blocks are past their retention is
 * let go.
 *
 * A window is packed database by database, and within one by groups of statements of at most
 * GROUP_SAMPLES_MOST samples, which bounds the memory.
 */
#include "store/sample_copy.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES_MOST ((size_t)8 << 30)
#define GROUP_SAMPLES_MOST 500000
#define BLOCK_COLUMNS 5

typedef struct WindowRound {
    int64_t at_us;
    int64_t interval_ms;
    int64_t flags;
    SampleBytes journal; /* of a round that comes from the journal and had activity */
} WindowRound;

/* One database's four hours. */
typedef struct Window {
    PgConnection *session;
    Arena *arena;
    int64_t target_id;
    int32_t database_id;
    StoreNumber target; /* and the like as texts */
    StoreNumber database;
    int64_t starts_us;
    SampleTime starts;
    SampleTime ends;
    WindowRound *rounds; /* ascending */
    size_t round_count;
    size_t old_count;  /* rounds that are packed already */
    uint32_t *old_new; /* the new number of each of them */
    SamplePack *old_packs;
    int32_t *old_statements;
    size_t old_pack_count;
} Window;

/* The samples of one statement. */
typedef struct Gathered {
    int32_t statement_id;
    size_t count;
    size_t filled;
    SamplePack pack;
} Gathered;

static int
round_compare(const void *a, const void *b)
{
    int64_t left = ((const WindowRound *)a)->at_us;
    int64_t right = ((const WindowRound *)b)->at_us;
    return (left > right) - (left < right);
}

static const WindowRound *
window_round_find(const Window *window, int64_t at_us)
{
    WindowRound wanted = {.at_us = at_us};
    return bsearch(&wanted, window->rounds, window->round_count, sizeof(wanted), round_compare);
}

/* Takes the rounds out of the journal, and adds those that are not in window->rounds yet, which are the
 * packed ones. */
static bool
window_take_journal(Window *window, const PgResult *times, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query_binary(window->session, "sample_journal_take",
                            STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text,
                                             window->ends.text),
                            &rows, error))
        return false;
    size_t count = (size_t)pg_result_rows(rows);
    SampleNumbers at = {0};
    SampleNumbers intervals = {0};
    SampleNumbers flags = {0};
    if (pg_result_rows(times) > 0 &&
        (!sample_numbers_parse(window->arena, pg_result_text(times, 0, 2), &at, error) ||
         !sample_numbers_parse(window->arena, pg_result_text(times, 0, 3), &intervals, error) ||
         !sample_numbers_parse(window->arena, pg_result_text(times, 0, 4), &flags, error)))
        return false;
    if (at.count != intervals.count || at.count != flags.count)
        return error_set(error, ERROR_DAMAGED, "the times of packed samples are damaged");
    window->old_count = at.count;
    window->rounds = ARENA_NEW_ARRAY(window->arena, WindowRound, at.count + count);
    for (size_t i = 0; i < at.count; i++)
        window->rounds[i] = (WindowRound){at.items[i], intervals.items[i], flags.items[i], {0}};
    window->round_count = at.count;
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        WindowRound *round = &window->rounds[at.count + added];
        *round = (WindowRound){pg_result_time_us(rows, (int64_t)i, 0),
                               pg_result_int(rows, (int64_t)i, 1, 0),
                               pg_result_int(rows, (int64_t)i, 2, 0),
                               {0}};
        if (window_round_find(window, round->at_us) != NULL)
            continue;
        SampleBytes bytes;
        if (!sample_bytes_of(rows, (int64_t)i, 3, &bytes, error))
            return false;
        round->journal =
            (SampleBytes){.data = arena_memdup(window->arena, bytes.data, bytes.size), .size = bytes.size};
        added++;
    }
    window->round_count += added;
    qsort(window->rounds, window->round_count, sizeof(*window->rounds), round_compare);
    window->old_new = ARENA_NEW_ARRAY(window->arena, uint32_t, at.count);
    for (size_t i = 0; i < at.count; i++)
        window->old_new[i] = (uint32_t)(window_round_find(window, at.items[i]) - window->rounds);
    return true;
}

static bool
window_read_blocks(Window *window, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *rows = NULL;
    if (!store_query_binary(window->session, "sample_window_blocks",
                            STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text),
                            &rows, error))
        return false;
    size_t count = (size_t)pg_result_rows(rows);
    window->old_packs = ARENA_NEW_ARRAY(window->arena, SamplePack, count);
    window->old_statements = ARENA_NEW_ARRAY(window->arena, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        SampleBytes bytes;
        SamplePack *pack = &window->old_packs[i];
        if (!sample_bytes_of(rows, (int64_t)i, 1, &bytes, error) ||
            !sample_pack_decode(window->arena, bytes, window->old_count, pack, error))
            return false;
        for (size_t at = 0; at < pack->count; at++)
            pack->positions[at] = window->old_new[pack->positions[at]];
        window->old_statements[i] = (int32_t)pg_result_int(rows, (int64_t)i, 0, 0);
    }
    window->old_pack_count = count;
    return true;
}

static int
statement_compare(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a;
    int32_t right = *(const int32_t *)b;
    return (left > right) - (left < right);
}

/* Every statement of the window with the number of its samples, ascending. */
static bool
window_count(Window *window, Gathered **ret_gathered, size_t *ret_count, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample window", WINDOW_BYTES_MOST);
    size_t total = 0;
    SamplePack *packs = ARENA_NEW_ARRAY(scratch, SamplePack, window->round_count);
    for (size_t i = 0; i < window->round_count; i++) {
        if (window->rounds[i].journal.size > 0 &&
            !sample_pack_positions(scratch, window->rounds[i].journal, SAMPLE_STATEMENTS_LIMIT, &packs[i],
                                   error))
            return false;
        total += packs[i].count;
    }
    for (size_t i = 0; i < window->old_pack_count; i++)
        total += window->old_packs[i].count;
    int32_t *all = ARENA_NEW_ARRAY(scratch, int32_t, total);
    size_t filled = 0;
    for (size_t i = 0; i < window->round_count; i++)
        for (size_t at = 0; at < packs[i].count; at++)
            all[filled++] = (int32_t)packs[i].positions[at];
    for (size_t i = 0; i < window->old_pack_count; i++)
        for (size_t at = 0; at < window->old_packs[i].count; at++)
            all[filled++] = window->old_statements[i];
    qsort(all, total, sizeof(*all), statement_compare);
    size_t count = 0;
    for (size_t i = 0; i < total; i++)
        count += i == 0 || all[i] != all[i - 1];
    Gathered *gathered = ARENA_NEW_ARRAY(window->arena, Gathered, count);
    size_t at = 0;
    for (size_t i = 0; i < total; i++) {
        at += i > 0 && all[i] != all[i - 1];
        gathered[at].statement_id = all[i];
        gathered[at].count++;
    }
    *ret_gathered = gathered;
    *ret_count = count;
    return true;
}

static void
gathered_add(Arena *arena, Gathered *to, const SamplePack *from, size_t at, uint32_t round)
{
    to->pack.positions[to->filled] = round;
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        if (from->counters[c] != NULL && from->counters[c][at] != 0)
            sample_pack_counter(arena, &to->pack, (SampleCounter)c)[to->filled] = from->counters[c][at];
    to->filled++;
}

static Gathered *
gathered_find(Gathered *gathered, size_t count, int32_t statement_id)
{
    Gathered wanted = {.statement_id = statement_id};
    return bsearch(&wanted, gathered, count, sizeof(wanted), statement_compare);
}

typedef struct PositionAt {
    uint32_t position;
    size_t at;
} PositionAt;

static int
position_compare(const void *a, const void *b)
{
    uint32_t left = ((const PositionAt *)a)->position;
    uint32_t right = ((const PositionAt *)b)->position;
    return (left > right) - (left < right);
}

/* Rounds of the journal came before those of the blocks: put in the order of time. */
static void
gathered_sort(Arena *arena, Gathered *gathered)
{
    SamplePack pack = gathered->pack;
    PositionAt *order = ARENA_NEW_ARRAY(arena, PositionAt, pack.count);
    for (size_t i = 0; i < pack.count; i++)
        order[i] = (PositionAt){pack.positions[i], i};
    qsort(order, pack.count, sizeof(*order), position_compare);
    sample_pack_reserve(arena, &gathered->pack, pack.count);
    gathered->filled = 0;
    for (size_t i = 0; i < pack.count; i++)
        gathered_add(arena, gathered, &pack, order[i].at, order[i].position);
}

/* Fills the packs of a group of statements. */
static bool
window_gather(Window *window, Arena *arena, Gathered *group, size_t group_count, Error *error)
{
    for (size_t i = 0; i < group_count; i++)
        sample_pack_reserve(arena, &group[i].pack, group[i].count);
    for (size_t round = 0; round < window->round_count; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("sample round", WINDOW_BYTES_MOST);
        SamplePack pack = {0};
        if (window->rounds[round].journal.size == 0)
            continue;
        if (!sample_pack_decode(scratch, window->rounds[round].journal, SAMPLE_STATEMENTS_LIMIT, &pack,
                                error))
            return false;
        /* Both ascend. */
        size_t at = 0;
        for (size_t i = 0; i < group_count && at < pack.count; i++) {
            while (at < pack.count && (int32_t)pack.positions[at] < group[i].statement_id)
                at++;
            if (at < pack.count && (int32_t)pack.positions[at] == group[i].statement_id)
                gathered_add(arena, &group[i], &pack, at, (uint32_t)round);
        }
    }
    for (size_t i = 0; i < window->old_pack_count; i++) {
        Gathered *to = gathered_find(group, group_count, window->old_statements[i]);
        for (size_t at = 0; to != NULL && at < window->old_packs[i].count; at++)
            gathered_add(arena, to, &window->old_packs[i], at, window->old_packs[i].positions[at]);
    }
    for (size_t i = 0; i < group_count && window->old_pack_count > 0; i++)
        gathered_sort(arena, &group[i]);
    return true;
}

static bool
window_write_group(Window *window, Gathered *group, size_t group_count, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample blocks", WINDOW_BYTES_MOST);
    if (!window_gather(window, arena, group, group_count, error))
        return false;
    SampleCopy copy = sample_copy_new(arena);
    for (size_t i = 0; i < group_count; i++) {
        SampleBytes bytes;
        fettle_assert(group[i].filled == group[i].count);
        if (!sample_pack_encode(arena, &group[i].pack, window->round_count, &bytes, error))
            return false;
        sample_copy_row(&copy, BLOCK_COLUMNS);
        sample_copy_int64(&copy, window->target_id);
        sample_copy_timestamp(&copy, window->starts_us);
        sample_copy_int32(&copy, group[i].statement_id);
        sample_copy_int32(&copy, window->database_id);
        sample_copy_bytes(&copy, bytes);
        group[i].pack = (SamplePack){0};
    }
    return sample_copy_send(&copy, window->session,
                            "fettle.sample_blocks (target_id, starts_at, statement_id, database_id, data)",
                            error);
}

static bool
window_write_times(Window *window, Error *error)
{
    int64_t *at_us = ARENA_NEW_ARRAY(window->arena, int64_t, window->round_count);
    int64_t *interval_ms = ARENA_NEW_ARRAY(window->arena, int64_t, window->round_count);
    int64_t *flags = ARENA_NEW_ARRAY(window->arena, int64_t, window->round_count);
    for (size_t i = 0; i < window->round_count; i++) {
        at_us[i] = window->rounds[i].at_us;
        interval_ms[i] = window->rounds[i].interval_ms;
        flags[i] = window->rounds[i].flags;
    }
    return store_query(window->session, "sample_times_insert",
                       STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text,
                                        sample_times_text(window->arena, at_us, window->round_count),
                                        sample_numbers_text(window->arena, interval_ms, window->round_count),
                                        sample_numbers_text(window->arena, flags, window->round_count)),
                       NULL, error);
}

static bool
window_write(Window *window, SampleUpkeep *upkeep, Error *error)
{
    Gathered *gathered = NULL;
    size_t count = 0;
    if (window->round_count > SAMPLE_BLOCK_ROUNDS_MOST)
        return error_set(error, ERROR_LIMIT, "a database has %zu rounds in four hours", window->round_count);
    if (!window_count(window, &gathered, &count, error) || !window_write_times(window, error) ||
        !store_query(window->session, "sample_day_open",
                     STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text), NULL,
                     error))
        return false;
    for (size_t first = 0; first < count;) {
        size_t samples = gathered[first].count;
        size_t after = first + 1;
        while (after < count && samples + gathered[after].count <= GROUP_SAMPLES_MOST)
            samples += gathered[after++].count;
        if (!window_write_group(window, gathered + first, after - first, error))
            return false;
        first = after;
    }
    upkeep->blocks_written += (int64_t)count;
    return true;
}

/* Takes what is packed of the window, and the day it is in, out of the store. */
static bool
window_take_back(Window *window, Error *error)
{
    return window_read_blocks(window, error) &&
           store_query(window->session, "sample_day_delete",
                       STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text),
                       NULL, error) &&
           store_query(window->session, "sample_window_delete",
                       STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text),
                       NULL, error);
}

/* What of the store's packed state a window meets. */
static bool
window_ask(Window *window, const char *question, bool *ret_answer, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *answer = NULL;
    if (!store_query(window->session, question,
                     STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text),
                     &answer, error))
        return false;
    *ret_answer = pg_result_bool(answer, 0, 0);
    return true;
}

/* Packs what is new; in the common case nothing of the window or its day is packed yet. */
static bool
window_pack_news(Window *window, SampleUpkeep *upkeep, Error *error)
{
    bool is_added = false;
    bool is_gone = false;
    if (!window_ask(window, "sample_day_is_added", &is_added, error) ||
        (is_added && !window_ask(window, "sample_window_is_gone", &is_gone, error)))
        return false;
    if (is_gone)
        return true;
    return ((!is_added && window->old_count == 0) || window_take_back(window, error)) &&
           window_write(window, upkeep, error);
}

static bool
window_pack(Window *window, SampleUpkeep *upkeep, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *times = NULL;
    if (!store_query(window->session, "sample_times_read",
                     STORE_PARAMETERS(window->target.text, window->database.text, window->starts.text,
                                      window->ends.text),
                     &times, error) ||
        !window_take_journal(window, times, error))
        return false;
    return window->round_count == window->old_count || window_pack_news(window, upkeep, error);
}

static bool
window_pack_databases(PgConnection *session, int64_t target_id, int64_t starts_us, SampleUpkeep *upkeep,
                      Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *databases = NULL;
    StoreNumber target = store_number(target_id);
    SampleTime starts = sample_time_text(starts_us);
    SampleTime ends = sample_time_text(starts_us + SAMPLE_BLOCK_US);
    if (!sample_partition_make(session, "sample_times", starts_us, error) ||
        !sample_partition_make(session, "sample_blocks", starts_us, error) ||
        !store_query(session, "sample_window_databases",
                     STORE_PARAMETERS(target.text, starts.text, ends.text), &databases, error))
        return false;
    for (int64_t i = 0; i < pg_result_rows(databases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("sample window", WINDOW_BYTES_MOST);
        Window window = {.session = session,
                         .arena = arena,
                         .target_id = target_id,
                         .database_id = (int32_t)pg_result_int(databases, i, 0, 0),
                         .target = target,
                         .database = store_number(pg_result_int(databases, i, 0, 0)),
                         .starts_us = starts_us,
                         .starts = starts,
                         .ends = ends};
        if (!window_pack(&window, upkeep, error))
            return false;
    }
    return true;
}

bool
sample_compact(PgConnection *session, int64_t target_id, int64_t now_us, SampleUpkeep *upkeep, Error *error)
{
    FETTLE_CLEANUP(pg_result_free_at) PgResult *windows = NULL;
    StoreNumber target = store_number(target_id);
    SampleTime due = sample_time_text(sample_due_us(now_us));
    if (!store_query(session, "sample_windows_due", STORE_PARAMETERS(target.text, due.text), &windows, error))
        return error_prefix(error, "could not pack samples");
    for (int64_t i = 0; i < pg_result_rows(windows); i++) {
        SampleUpkeep packed = {0};
        bool is_good =
            sample_transaction_begin(session, target_id, true, error) &&
            window_pack_databases(session, target_id, pg_result_int(windows, i, 0, 0), &packed, error);
        if (!sample_transaction_end(session, is_good, error))
            return error_prefix(error, "could not pack samples");
        upkeep->blocks_written += packed.blocks_written;
    }
    return sample_days_add_up(session, target_id, sample_due_us(now_us), upkeep, error) ||
           error_prefix(error, "could not add up a day of samples");
}
