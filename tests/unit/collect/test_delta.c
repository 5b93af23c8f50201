// SPDX-License-Identifier: PostgreSQL
/*
 * The delta arithmetic against a model of pg_stat_statements: random histories of calls, resets, evictions,
 * restarts and wraps, in which the model knows what each entry did since the round before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "collect/delta.h"

#include <math.h>
#include <string.h>

#define ENTRIES 40
#define ROUNDS 60
#define HISTORIES 60
#define SECOND_US 1000000

/* What a server tells about resets. */
typedef enum Telling { TELLS_NOTHING, TELLS_OF_ALL, TELLS_OF_EACH } Telling;

typedef struct ModelEntry {
    bool exists;
    double since;
    int64_t calls, exec_us, wal_bytes;
    double squares; /* of exec_us */
    /* since the round before, or the entry's beginning when that came later */
    int64_t round_calls, round_exec_us, round_wal_bytes;
    double round_squares;
    bool is_anew; /* it began since the round before */
    int64_t seen_calls, seen_exec_us, seen_wal_bytes;
} ModelEntry;

typedef struct Model {
    Random random;
    Telling telling;
    ModelEntry entries[ENTRIES];
    SourceState state;
    double now;
} Model;

static void
entry_begin(Model *model, ModelEntry *entry)
{
    int64_t calls = entry->seen_calls, exec_us = entry->seen_exec_us, wal = entry->seen_wal_bytes;
    *entry = (ModelEntry){.exists = true, .since = model->now, .is_anew = true};
    entry->seen_calls = calls;
    entry->seen_exec_us = exec_us;
    entry->seen_wal_bytes = wal;
}

static void
entry_call(Model *model, ModelEntry *entry)
{
    if (!entry->exists)
        entry_begin(model, entry);
    int64_t exec_us = (int64_t)random_below(&model->random, 5000);
    int64_t wal = (int64_t)random_below(&model->random, 300);
    double squares = (double)exec_us * (double)exec_us;
    entry->calls++;
    entry->exec_us += exec_us;
    entry->wal_bytes += wal;
    entry->squares += squares;
    entry->round_calls++;
    entry->round_exec_us += exec_us;
    entry->round_wal_bytes += wal;
    entry->round_squares += squares;
}

static void
all_forget(Model *model)
{
    for (size_t i = 0; i < ENTRIES; i++)
        model->entries[i].exists = false;
}

static void
model_tick(Model *model)
{
    model->now += 0.001;
    model->state.now_us = llrint(model->now * 1e6);
}

/* One thing that happens to a server. evicts: whether single entries may vanish. */
static void
model_act(Model *model, bool evicts)
{
    model_tick(model);
    uint64_t dice = random_below(&model->random, 1000);
    ModelEntry *entry = &model->entries[random_below(&model->random, ENTRIES)];
    if (dice < 960) {
        for (uint64_t calls = random_below(&model->random, 8); calls > 0; calls--)
            entry_call(model, entry);
    } else if (dice < 970 && evicts) {
        entry->exists = false; /* evicted */
        model->state.statements_evicted++;
    } else if (dice < 980 && evicts) {
        entry->exists = false; /* reset by its owner */
    } else if (dice < 985) {
        all_forget(model); /* pg_stat_statements_reset() */
        model->state.statements_reset_at_us = model->state.now_us;
        model->state.statements_evicted = 0;
    } else if (dice < 990) {
        model->state.started_at_us = model->state.now_us; /* a restart that kept the counters */
    } else if (dice < 993) {
        all_forget(model); /* a crash */
        model->state.started_at_us = model->state.now_us;
        model->state.statements_reset_at_us = 0;
        model->state.statements_evicted = 0;
    }
}

static SourceStatements
model_read(Model *model, Arena *arena)
{
    SourceStatements read = {.items = ARENA_NEW_ARRAY(arena, StatementCounters, ENTRIES)};
    model_tick(model);
    model->state.has_reset_info = model->telling != TELLS_NOTHING;
    for (size_t i = 0; i < ENTRIES; i++) {
        const ModelEntry *entry = &model->entries[i];
        if (!entry->exists || entry->calls == 0)
            continue;
        StatementCounters *item = &read.items[read.count++];
        double mean = (double)entry->exec_us / (double)entry->calls;
        double variance = entry->squares / (double)entry->calls - mean * mean;
        item->key = (StatementKey){.user_oid = 10,
                                   .database_oid = (uint32_t)(i % 3),
                                   .queryid = (int64_t)i - 5000,
                                   .is_toplevel = i % 7 != 0};
        item->since = model->telling == TELLS_OF_EACH ? entry->since : 0;
        item->exec_stddev_us = sqrt(variance > 0 ? variance : 0);
        item->counters[SAMPLE_CALLS] = entry->calls;
        item->counters[SAMPLE_EXEC_US] = entry->exec_us;
        item->counters[SAMPLE_WAL_BYTES] = entry->wal_bytes;
    }
    return read;
}

static size_t
entry_of(const StatementCounters *item)
{
    return (size_t)(item->key.queryid + 5000);
}

/* True when the counters alone show that an entry began anew. */
static bool
shows_anew(const ModelEntry *entry)
{
    return entry->calls < entry->seen_calls || entry->exec_us < entry->seen_exec_us ||
           entry->wal_bytes < entry->seen_wal_bytes || entry->seen_calls == 0;
}

static void
check_sample(const ModelEntry *entry, const int64_t *counters, bool is_exact)
{
    assert_true(counters[SAMPLE_CALLS] <= entry->round_calls);
    assert_true(counters[SAMPLE_EXEC_US] <= entry->round_exec_us);
    assert_true(counters[SAMPLE_WAL_BYTES] <= entry->round_wal_bytes);
    if (!is_exact)
        return;
    assert_int_equal(counters[SAMPLE_CALLS], entry->round_calls);
    assert_int_equal(counters[SAMPLE_EXEC_US], entry->round_exec_us);
    assert_int_equal(counters[SAMPLE_WAL_BYTES], entry->round_wal_bytes);
    double mean = (double)entry->round_exec_us / (double)entry->round_calls;
    double variance = entry->round_squares / (double)entry->round_calls - mean * mean;
    assert_true(fabs((double)counters[SAMPLE_EXEC_DEVIATION_US] - sqrt(variance > 0 ? variance : 0)) <= 1.0);
}

static void
check_round(Model *model, const DeltaRound *round, const SourceStatements *read, bool is_all_exact)
{
    bool is_sampled[ENTRIES] = {false};
    for (size_t i = 0; i < round->count; i++) {
        size_t at = entry_of(&read->items[round->samples[i].position]);
        const ModelEntry *entry = &model->entries[at];
        is_sampled[at] = true;
        check_sample(entry, round->samples[i].counters, is_all_exact || !entry->is_anew || shows_anew(entry));
    }
    for (size_t i = 0; i < ENTRIES; i++) {
        const ModelEntry *entry = &model->entries[i];
        bool did_something = entry->exists && entry->round_calls > 0;
        if (did_something && (is_all_exact || !entry->is_anew || shows_anew(entry)))
            assert_true(is_sampled[i]);
    }
}

static void
model_begin_round(Model *model)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        ModelEntry *entry = &model->entries[i];
        entry->round_calls = entry->round_exec_us = entry->round_wal_bytes = 0;
        entry->round_squares = 0;
        entry->is_anew = false;
        entry->seen_calls = entry->exists ? entry->calls : 0;
        entry->seen_exec_us = entry->exists ? entry->exec_us : 0;
        entry->seen_wal_bytes = entry->exists ? entry->wal_bytes : 0;
    }
}

static void
run_history(uint64_t seed, Telling telling, bool evicts)
{
    Model model = {.random = random_new(seed), .telling = telling, .now = 1000};
    DeltaHistory *history = delta_history_new();
    for (int round_number = 0; round_number < ROUNDS; round_number++) {
        Arena *arena = arena_new("test", 1 << 24);
        for (uint64_t acts = random_below(&model.random, 200); acts > 0; acts--)
            model_act(&model, evicts);
        SourceStatements statements = model_read(&model, arena);
        DeltaRead read = {.statements = &statements, .state = &model.state};
        DeltaRound round;
        delta_round(arena, history, &read, &round);
        if (round_number == 0)
            assert_int_equal(round.count, 0);
        else
            check_round(&model, &round, &statements, telling == TELLS_OF_EACH);
        delta_history_set(history, &read);
        assert_int_equal(delta_history_count(history), statements.count);
        model_begin_round(&model);
        arena_free(arena);
    }
    delta_history_free(history);
}

static void
with_the_beginning_of_each_entry_known_sums_are_the_truth_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(seed, TELLS_OF_EACH, true);
}

static void
with_resets_of_all_known_sums_are_never_too_high_and_exact_when_it_shows(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(seed, TELLS_OF_ALL, true);
}

static void
with_nothing_known_sums_are_never_too_high_and_exact_when_it_shows(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++)
        run_history(seed, TELLS_NOTHING, false);
}

/* One entry, before and after, by hand. */
static DeltaRound
round_of(Arena *arena, const StatementCounters *before, const StatementCounters *now, SourceState *states,
         bool is_session_new)
{
    DeltaHistory *history = delta_history_new();
    SourceStatements first = {.items = (StatementCounters *)(uintptr_t)before,
                              .count = before == NULL ? 0 : 1};
    SourceStatements second = {.items = (StatementCounters *)(uintptr_t)now, .count = 1};
    DeltaRead read = {.statements = &first, .state = &states[0]};
    DeltaRound round;
    delta_history_set(history, &read);
    read = (DeltaRead){.statements = &second, .state = &states[1], .is_session_new = is_session_new};
    delta_round(arena, history, &read, &round);
    delta_history_free(history);
    return round;
}

static void
a_counter_that_wraps_or_is_negative_counts_from_nothing(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    SourceState states[2] = {{0}};
    StatementCounters before = {.key.queryid = 1,
                                .counters = {[SAMPLE_CALLS] = INT64_MAX - 2, [SAMPLE_ROWS] = 5}};
    StatementCounters now = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 7, [SAMPLE_ROWS] = 9}};
    DeltaRound round = round_of(arena, &before, &now, states, false);
    assert_int_equal(round.count, 1);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 7);
    assert_int_equal(round.flags, SAMPLE_FLAG_RESET);
    now.counters[SAMPLE_CALLS] = INT64_MIN + 3;
    round = round_of(arena, &before, &now, states, false);
    assert_int_equal(round.count, 1);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 0);
    assert_int_equal(round.samples[0].counters[SAMPLE_ROWS], 9);
    arena_free(arena);
}

static void
a_stated_reset_counts_whole_although_the_counters_are_higher(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    SourceState states[2] = {{.has_reset_info = true, .statements_reset_at_us = 5},
                             {.has_reset_info = true, .statements_reset_at_us = 9}};
    StatementCounters before = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}};
    StatementCounters now = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 8}};
    DeltaRound round = round_of(arena, &before, &now, states, false);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 8);
    assert_int_equal(round.flags, SAMPLE_FLAG_RESET);
    states[1].statements_reset_at_us = 5;
    round = round_of(arena, &before, &now, states, false);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 5);
    assert_int_equal(round.flags, 0);
    arena_free(arena);
}

static void
restarts_and_evictions_are_flagged(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    SourceState states[2] = {{.has_reset_info = true, .started_at_us = 1, .statements_evicted = 1},
                             {.has_reset_info = true, .started_at_us = 2, .statements_evicted = 4}};
    StatementCounters before = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}};
    StatementCounters now = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 4}};
    DeltaRound round = round_of(arena, &before, &now, states, true);
    assert_int_equal(round.flags, SAMPLE_FLAG_RESTART | SAMPLE_FLAG_EVICTED);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 1);
    arena_free(arena);
}

static void
an_entry_that_was_cut_off_before_is_not_taken_for_a_new_one(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    DeltaHistory *history = delta_history_new();
    SourceState server = {.now_us = 100 * SECOND_US};
    SourceStatements none = {.is_cut = true};
    DeltaRead read = {.statements = &none, .state = &server};
    delta_history_set(history, &read);
    StatementCounters items[2] = {{.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}},
                                  {.key.queryid = 2, .since = 101, .counters = {[SAMPLE_CALLS] = 4}}};
    SourceStatements busiest = {.items = items, .count = 2, .is_cut = true};
    read = (DeltaRead){.statements = &busiest, .state = &server};
    DeltaRound round;
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 1);
    assert_int_equal(round.samples[0].position, 1);
    assert_int_equal(round.flags, SAMPLE_FLAG_CUT);
    delta_history_free(history);
    arena_free(arena);
}

static void
a_first_round_counts_only_what_is_known_to_have_begun_since(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    DeltaHistory *history = delta_history_new();
    SourceState server = {.now_us = 100 * SECOND_US};
    StatementCounters items[3] = {{.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}},
                                  {.key.queryid = 2, .since = 49, .counters = {[SAMPLE_CALLS] = 4}},
                                  {.key.queryid = 3, .since = 51, .counters = {[SAMPLE_CALLS] = 5}}};
    SourceStatements all = {.items = items, .count = 3};
    DeltaRead read = {.statements = &all, .state = &server, .first_since = 50};
    DeltaRound round;
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 1);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 5);
    read.first_since = 0;
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 0);
    delta_history_free(history);
    arena_free(arena);
}

static void
a_key_that_is_stated_twice_is_no_endless_loop(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    DeltaHistory *history = delta_history_new();
    SourceState server = {0};
    StatementCounters items[40];
    for (size_t i = 0; i < 40; i++)
        items[i] = (StatementCounters){.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}};
    SourceStatements all = {.items = items, .count = 40};
    DeltaRead read = {.statements = &all, .state = &server};
    delta_history_set(history, &read);
    assert_int_equal(delta_history_count(history), 1);
    DeltaRound round;
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 0);
    delta_history_free(history);
    arena_free(arena);
}

static void
a_history_that_is_cleared_makes_the_next_round_a_first_one(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    DeltaHistory *history = delta_history_new();
    SourceState server = {.now_us = 100 * SECOND_US};
    StatementCounters item = {.key.queryid = 1, .counters = {[SAMPLE_CALLS] = 3}};
    SourceStatements all = {.items = &item, .count = 1};
    DeltaRead read = {.statements = &all, .state = &server};
    DeltaRound round;
    delta_history_set(history, &read);
    assert_int_equal(delta_history_count(history), 1);
    item.counters[SAMPLE_CALLS] = 8;
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 1);
    assert_int_equal(round.samples[0].counters[SAMPLE_CALLS], 5);
    delta_history_clear(history);
    assert_int_equal(delta_history_count(history), 0);
    delta_round(arena, history, &read, &round);
    assert_int_equal(round.count, 0);
    delta_history_free(history);
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_the_beginning_of_each_entry_known_sums_are_the_truth_whatever_happens),
        cmocka_unit_test(with_resets_of_all_known_sums_are_never_too_high_and_exact_when_it_shows),
        cmocka_unit_test(with_nothing_known_sums_are_never_too_high_and_exact_when_it_shows),
        cmocka_unit_test(a_counter_that_wraps_or_is_negative_counts_from_nothing),
        cmocka_unit_test(a_stated_reset_counts_whole_although_the_counters_are_higher),
        cmocka_unit_test(restarts_and_evictions_are_flagged),
        cmocka_unit_test(an_entry_that_was_cut_off_before_is_not_taken_for_a_new_one),
        cmocka_unit_test(a_first_round_counts_only_what_is_known_to_have_begun_since),
        cmocka_unit_test(a_key_that_is_stated_twice_is_no_endless_loop),
        cmocka_unit_test(a_history_that_is_cleared_makes_the_next_round_a_first_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
