// SPDX-License-Identifier: PostgreSQL
/* The first byte chooses what the rest is read as: a round, a block, a day. What decodes must encode again to
 * something that decodes to the same. */
#include "store/sample_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {SAMPLE_STATEMENTS_LIMIT, 240, SAMPLE_DAY_HOURS, SAMPLE_BLOCK_ROUNDS_MOST};
    if (size == 0)
        return 0;
    size_t limit = limits[data[0] % FETTLE_COUNT_OF(limits)];
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fuzz", (size_t)1 << 30);
    Error error = {0};
    SamplePack pack = {0};
    SampleBytes again;
    if (!sample_pack_decode(arena, (SampleBytes){data + 1, size - 1}, limit, &pack, &error)) {
        fettle_assert(error.code == ERROR_DAMAGED);
        return 0;
    }
    fettle_assert(sample_pack_encode(arena, &pack, limit, &again, &error));
    SampleSum sum = {0};
    for (size_t i = 0; i < pack.count; i++)
        sample_sum_add(&sum, &pack, i);
    sample_sum_finish(&sum);
    return 0;
}
