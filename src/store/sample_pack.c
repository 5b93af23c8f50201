// SPDX-License-Identifier: PostgreSQL
/*
 * Packs in memory: making, comparing, adding up.
 */
#include "store/sample_codec.h"

#include <math.h>
#include <string.h>

void
sample_pack_reserve(Arena *arena, SamplePack *pack, size_t count)
{
    *pack = (SamplePack){.count = count, .positions = ARENA_NEW_ARRAY(arena, uint32_t, count)};
}

int64_t *
sample_pack_counter(Arena *arena, SamplePack *pack, SampleCounter counter)
{
    if (pack->counters[counter] == NULL)
        pack->counters[counter] = ARENA_NEW_ARRAY(arena, int64_t, pack->count);
    return pack->counters[counter];
}

static bool
numbers_are_equal(const int64_t *a, const int64_t *b, size_t count)
{
    if (a != NULL && b != NULL)
        return memcmp(a, b, count * sizeof(*a)) == 0;
    const int64_t *one = a != NULL ? a : b;
    for (size_t i = 0; one != NULL && i < count; i++)
        if (one[i] != 0)
            return false;
    return true;
}

bool
sample_pack_equal(const SamplePack *a, const SamplePack *b)
{
    if (a->count != b->count || memcmp(a->positions, b->positions, a->count * sizeof(*a->positions)) != 0)
        return false;
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        if (!numbers_are_equal(a->counters[c], b->counters[c], a->count))
            return false;
    return true;
}

void
sample_pack_from_samples(Arena *arena, const Sample *samples, size_t count, SamplePack *ret_pack)
{
    sample_pack_reserve(arena, ret_pack, count);
    for (size_t i = 0; i < count; i++) {
        fettle_assert(samples[i].statement_id >= 0);
        ret_pack->positions[i] = (uint32_t)samples[i].statement_id;
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
            if (samples[i].counters[c] != 0)
                sample_pack_counter(arena, ret_pack, (SampleCounter)c)[i] = samples[i].counters[c];
    }
}

void
sample_pack_to_samples(Arena *arena, const SamplePack *pack, Sample **ret_samples)
{
    Sample *samples = ARENA_NEW_ARRAY(arena, Sample, pack->count);
    for (size_t i = 0; i < pack->count; i++) {
        samples[i].statement_id = (int32_t)pack->positions[i];
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
            samples[i].counters[c] = pack->counters[c] == NULL ? 0 : pack->counters[c][i];
    }
    *ret_samples = samples;
}

/* Two groups of calls become one: Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979. */
static void
sum_pool(SampleSum *sum, double calls, double mean_us, double squares)
{
    double all = sum->calls + calls;
    if (sum->calls == 0) {
        sum->calls = calls;
        sum->mean_us = mean_us;
        sum->squares = squares;
        return;
    }
    double apart = mean_us - sum->mean_us;
    sum->squares += squares + apart * apart * sum->calls * calls / all;
    sum->mean_us += apart * calls / all;
    sum->calls = all;
}

static void
sum_add_numbers(SampleSum *sum, const int64_t counters[SAMPLE_COUNTER_COUNT])
{
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        if (c != SAMPLE_EXEC_DEVIATION_US &&
            __builtin_add_overflow(sum->counters[c], counters[c], &sum->counters[c]))
            sum->counters[c] = INT64_MAX;
}

void
sample_sum_add_counters(SampleSum *sum, const int64_t counters[SAMPLE_COUNTER_COUNT])
{
    double calls = (double)counters[SAMPLE_CALLS];
    double deviation = (double)counters[SAMPLE_EXEC_DEVIATION_US];
    if (calls > 0)
        sum_pool(sum, calls, (double)counters[SAMPLE_EXEC_US] / calls, calls * deviation * deviation);
    sum_add_numbers(sum, counters);
}

void
sample_sum_merge(SampleSum *sum, const SampleSum *more)
{
    if (more->calls > 0)
        sum_pool(sum, more->calls, more->mean_us, more->squares);
    sum_add_numbers(sum, more->counters);
}

void
sample_sum_add(SampleSum *sum, const SamplePack *pack, size_t at)
{
    int64_t counters[SAMPLE_COUNTER_COUNT];
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        counters[c] = pack->counters[c] == NULL ? 0 : pack->counters[c][at];
    sample_sum_add_counters(sum, counters);
}

void
sample_sum_add_some(SampleSum *sum, const SamplePack *pack, size_t first, size_t count, uint32_t counters)
{
    fettle_assert(first + count <= pack->count);
    for (uint32_t left = counters; left != 0; left &= left - 1) {
        int c = __builtin_ctz(left);
        int64_t total = sum->counters[c];
        for (size_t i = first; pack->counters[c] != NULL && i < first + count; i++)
            if (__builtin_add_overflow(total, pack->counters[c][i], &total))
                total = INT64_MAX;
        sum->counters[c] = total;
    }
}

void
sample_sum_finish(SampleSum *sum)
{
    double deviation = sum->calls > 0 ? sqrt(sum->squares / sum->calls) : 0;
    sum->counters[SAMPLE_EXEC_DEVIATION_US] = deviation >= 0x1p62 ? (int64_t)1 << 62 : llround(deviation);
}
