// SPDX-License-Identifier: PostgreSQL
#include "random_packs.h"

#define LARGEST ((int64_t)1 << 62)

/* A number whose size, rather than whose value, is uniform. */
static int64_t
random_number(Random *random, unsigned bits_most)
{
    unsigned bits = (unsigned)random_below(random, bits_most + 1);
    int64_t number = bits == 0 ? 0 : (int64_t)random_below(random, (uint64_t)1 << bits);
    return number > LARGEST ? LARGEST : number;
}

static void
random_counter(Random *random, int64_t *values, const int64_t *calls, size_t count)
{
    unsigned shape = (unsigned)random_below(random, 9);
    unsigned bits = 1 + (unsigned)random_below(random, 62);
    int64_t k = random_number(random, bits);
    for (size_t i = 0; i < count; i++) {
        int64_t product = 0;
        bool is_large = __builtin_mul_overflow(k, calls[i], &product) || product > LARGEST;
        switch (shape) {
            case 0: values[i] = k; break;
            case 1: values[i] = is_large ? k : product; break;
            case 2: values[i] = (is_large ? k : product) + random_number(random, 10); break;
            case 3: values[i] = random_number(random, bits); break;
            case 4: values[i] = random_below(random, 20) == 0 ? random_number(random, 62) : k & 0xff; break;
            case 5: values[i] = random_below(random, 4) == 0 ? random_number(random, 20) : 0; break;
            case 6: values[i] = LARGEST - (int64_t)random_below(random, 3); break;
            case 7: values[i] = calls[i] / 3 + (int64_t)random_below(random, 5); break;
            default: values[i] = 0;
        }
    }
}

void
random_pack(Arena *arena, Random *random, size_t limit, size_t count_most, SamplePack *ret_pack)
{
    /* Either all, or each with one chance in step. */
    uint64_t step = random_below(random, 4) == 0 ? 1 : 1 + random_below(random, 2 * limit / count_most + 20);
    uint32_t *positions = ARENA_NEW_ARRAY(arena, uint32_t, count_most);
    size_t count = 0;
    for (uint64_t at = step == 1 ? 0 : random_below(random, limit); at < limit && count < count_most;
         at += step == 1 ? 1 : 1 + random_below(random, step))
        positions[count++] = (uint32_t)at;
    sample_pack_reserve(arena, ret_pack, count);
    for (size_t i = 0; i < count; i++)
        ret_pack->positions[i] = positions[i];
    const int64_t *none = ARENA_NEW_ARRAY(arena, int64_t, count);
    bool has_calls = random_below(random, 10) != 0;
    if (has_calls)
        random_counter(random, sample_pack_counter(arena, ret_pack, SAMPLE_CALLS), none, count);
    const int64_t *calls = has_calls ? ret_pack->counters[SAMPLE_CALLS] : none;
    for (int c = 1; c < SAMPLE_COUNTER_COUNT; c++)
        if (random_below(random, 3) != 0)
            random_counter(random, sample_pack_counter(arena, ret_pack, (SampleCounter)c), calls, count);
}
