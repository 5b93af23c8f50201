// SPDX-License-Identifier: PostgreSQL
#include "collect/delta.h"

#include "base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOST_COUNT_LEAST 8

/* Position + 1 of an entry by its hash; 0: free. At most half full. */
struct DeltaHistory {
    StatementCounters *entries;
    size_t count;
    uint32_t *slots;
    size_t slot_count; /* a power of two */
    bool is_set;
    bool was_cut;
    bool has_reset_info;
    int64_t reset_at_us;
    int64_t evicted;
    int64_t started_at_us;
    double read_at; /* the server's clock, seconds */
};

DeltaHistory *
delta_history_new(void)
{
    DeltaHistory *history = calloc(1, sizeof(*history));
    fettle_assert(history != NULL);
    return history;
}

void
delta_history_clear(DeltaHistory *history)
{
    free(history->entries);
    free(history->slots);
    *history = (DeltaHistory){0};
}

void
delta_history_free(DeltaHistory *history)
{
    if (history == NULL)
        return;
    delta_history_clear(history);
    free(history);
}

size_t
delta_history_count(const DeltaHistory *history)
{
    return history->count;
}

static uint64_t
key_hash(const StatementKey *key)
{
    uint64_t owner = (uint64_t)key->user_oid << 32 | key->database_oid;
    return hash_combine(hash_combine(owner, (uint64_t)key->queryid), key->is_toplevel);
}

static bool
key_equals(const StatementKey *a, const StatementKey *b)
{
    return a->queryid == b->queryid && a->database_oid == b->database_oid && a->user_oid == b->user_oid &&
           a->is_toplevel == b->is_toplevel;
}

static const StatementCounters *
history_find(const DeltaHistory *history, const StatementKey *key)
{
    if (history->slot_count == 0)
        return NULL;
    for (uint64_t at = key_hash(key);; at++) {
        uint32_t position = history->slots[at & (history->slot_count - 1)];
        if (position == 0)
            return NULL;
        if (key_equals(&history->entries[position - 1].key, key))
            return &history->entries[position - 1];
    }
}

void
delta_history_set(DeltaHistory *history, const DeltaRead *read)
{
    const SourceStatements *statements = read->statements;
    delta_history_clear(history);
    size_t slot_count = 16;
    while (slot_count < statements->count * 2)
        slot_count *= 2;
    *history = (DeltaHistory){
        .entries = calloc(statements->count + 1, sizeof(*history->entries)),
        .slots = calloc(slot_count, sizeof(*history->slots)),
        .slot_count = slot_count,
        .is_set = true,
        .was_cut = statements->is_cut,
        .has_reset_info = read->state->has_reset_info,
        .reset_at_us = read->state->statements_reset_at_us,
        .evicted = read->state->statements_evicted,
        .started_at_us = read->state->started_at_us,
        .read_at = (double)read->state->now_us / 1e6,
    };
    fettle_assert(history->entries != NULL && history->slots != NULL);
    for (size_t i = 0; i < statements->count; i++) {
        /* A server that repeats a key: the first one counts. */
        if (history_find(history, &statements->items[i].key) != NULL)
            continue;
        history->entries[history->count++] = statements->items[i];
        uint64_t at = key_hash(&statements->items[i].key);
        while (history->slots[at & (slot_count - 1)] != 0)
            at++;
        history->slots[at & (slot_count - 1)] = (uint32_t)history->count;
    }
}

static bool
counters_went_down(const StatementCounters *before, const StatementCounters *now)
{
    for (size_t i = 0; i < SAMPLE_COUNTER_COUNT; i++)
        if (i != SAMPLE_EXEC_DEVIATION_US && now->counters[i] < before->counters[i])
            return true;
    return false;
}

/* Three quarters of what was known are gone or lower; too few entries say nothing. */
static bool
counters_were_lost(const DeltaHistory *history, const SourceStatements *now)
{
    size_t kept = 0;
    for (size_t i = 0; i < now->count; i++) {
        const StatementCounters *before = history_find(history, &now->items[i].key);
        kept += before != NULL && !counters_went_down(before, &now->items[i]);
    }
    return history->count >= LOST_COUNT_LEAST && kept * 4 <= history->count;
}

static bool
all_were_reset(const DeltaHistory *history, const DeltaRead *read)
{
    const SourceState *state = read->state;
    bool is_stated = state->has_reset_info && history->has_reset_info;
    if (is_stated && state->statements_reset_at_us != history->reset_at_us)
        return true;
    /* Evictions are only ever counted up. */
    if (is_stated && state->statements_evicted < history->evicted)
        return true;
    bool is_anew = read->is_session_new || state->started_at_us != history->started_at_us;
    bool were_evicted = is_stated && state->statements_evicted != history->evicted;
    return is_anew && !were_evicted && !read->statements->is_cut && !history->was_cut &&
           counters_were_lost(history, read->statements);
}

static double
squares_of(const StatementCounters *entry)
{
    return entry->exec_stddev_us * entry->exec_stddev_us * (double)entry->counters[SAMPLE_CALLS];
}

/* The deviation of the calls between the two, in the entry's unit. */
static int64_t
deviation_between(const StatementCounters *before, const StatementCounters *now)
{
    double calls_before = (double)before->counters[SAMPLE_CALLS];
    double calls_now = (double)now->counters[SAMPLE_CALLS];
    double calls = calls_now - calls_before;
    if (calls <= 0 || calls_before <= 0)
        return calls > 0 ? llrint(now->exec_stddev_us) : 0;
    double mean_before = (double)before->counters[SAMPLE_EXEC_US] / calls_before;
    double mean = (double)(now->counters[SAMPLE_EXEC_US] - before->counters[SAMPLE_EXEC_US]) / calls;
    double between = (mean - mean_before) * (mean - mean_before) * calls_before * calls / calls_now;
    double squares = squares_of(now) - squares_of(before) - between;
    /* Rounding leaves less than nothing when all calls took the same time. */
    if (!isfinite(squares) || squares <= 0)
        return 0;
    double deviation = sqrt(squares / calls);
    return deviation < (double)(INT64_MAX / 2) ? llrint(deviation) : 0;
}

/* True when something happened. */
static bool
difference_of(const StatementCounters *before, const StatementCounters *now, int64_t *counters)
{
    bool is_any = false;
    for (size_t i = 0; i < SAMPLE_COUNTER_COUNT; i++) {
        if (i == SAMPLE_EXEC_DEVIATION_US)
            continue;
        int64_t value = now->counters[i] > 0 ? now->counters[i] : 0;
        int64_t known = before->counters[i] > 0 ? before->counters[i] : 0;
        counters[i] = value > known ? value - known : 0;
        is_any |= counters[i] > 0;
    }
    counters[SAMPLE_EXEC_DEVIATION_US] = deviation_between(before, now);
    return is_any;
}

typedef enum DeltaKind { DELTA_NONE, DELTA_WHOLE, DELTA_RESET, DELTA_DIFFERENCE } DeltaKind;

static DeltaKind
delta_kind(const DeltaHistory *history, const DeltaRead *read, const StatementCounters *before,
           const StatementCounters *now)
{
    if (!history->is_set)
        return read->first_since > 0 && now->since > read->first_since ? DELTA_WHOLE : DELTA_NONE;
    if (before == NULL) {
        bool may_be_old = history->was_cut || read->statements->is_cut;
        bool is_young = now->since > 0 && now->since > history->read_at;
        return may_be_old && !is_young ? DELTA_NONE : DELTA_WHOLE;
    }
    if (now->since > 0 && before->since > 0)
        return now->since != before->since ? DELTA_RESET : DELTA_DIFFERENCE;
    return counters_went_down(before, now) ? DELTA_RESET : DELTA_DIFFERENCE;
}

static unsigned
round_flags(const DeltaHistory *history, const DeltaRead *read)
{
    const SourceState *state = read->state;
    unsigned flags = read->statements->is_cut ? SAMPLE_FLAG_CUT : 0;
    if (!history->is_set)
        return flags;
    if (state->started_at_us != history->started_at_us)
        flags |= SAMPLE_FLAG_RESTART;
    if (state->has_reset_info && history->has_reset_info && state->statements_evicted != history->evicted)
        flags |= SAMPLE_FLAG_EVICTED;
    return flags;
}

void
delta_round(Arena *arena, const DeltaHistory *history, const DeltaRead *read, DeltaRound *ret_round)
{
    static const StatementCounters nothing = {0};
    const SourceStatements *statements = read->statements;
    DeltaRound round = {.samples = ARENA_NEW_ARRAY(arena, DeltaSample, statements->count),
                        .flags = round_flags(history, read)};
    bool is_all_reset = history->is_set && all_were_reset(history, read);
    if (is_all_reset)
        round.flags |= SAMPLE_FLAG_RESET;
    for (size_t i = 0; i < statements->count; i++) {
        const StatementCounters *now = &statements->items[i];
        const StatementCounters *before = history_find(history, &now->key);
        DeltaKind kind = delta_kind(history, read, before, now);
        if (is_all_reset && kind == DELTA_DIFFERENCE && now->since <= 0)
            kind = DELTA_RESET;
        if (kind == DELTA_NONE)
            continue;
        if (kind == DELTA_RESET)
            round.flags |= SAMPLE_FLAG_RESET;
        DeltaSample *sample = &round.samples[round.count];
        sample->position = i;
        bool is_any = difference_of(kind == DELTA_DIFFERENCE ? before : &nothing, now, sample->counters);
        round.count += is_any;
    }
    *ret_round = round;
}
