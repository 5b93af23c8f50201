// SPDX-License-Identifier: PostgreSQL
/* What is packed comes back as it was; bytes that are no pack are refused; small things are packed small. */
#include "random_packs.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#define ROUNDS 4000

static const size_t limits[] = {
    1, 7, 24, 60, 240, 241, 1440, SAMPLE_BLOCK_ROUNDS_MOST, SAMPLE_STATEMENTS_LIMIT};

static SampleBytes
encode(Arena *arena, const SamplePack *pack, size_t limit)
{
    SampleBytes bytes;
    Error error = {0};
    if (!sample_pack_encode(arena, pack, limit, &bytes, &error))
        fail_msg("%s", error.message);
    return bytes;
}

static void
any_pack_comes_back_as_it_was(void **state)
{
    (void)state;
    Random random = random_new(20260220);
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
        size_t limit = limits[random_below(&random, FETTLE_COUNT_OF(limits))];
        SamplePack pack;
        SamplePack again;
        SamplePack places;
        Error error = {0};
        random_pack(arena, &random, limit, 300, &pack);
        SampleBytes bytes = encode(arena, &pack, limit);
        if (!sample_pack_decode(arena, bytes, limit, &again, &error) ||
            !sample_pack_positions(arena, bytes, limit, &places, &error))
            fail_msg("round %d: %s", round, error.message);
        assert_true(sample_pack_equal(&pack, &again));
        assert_int_equal(places.count, pack.count);
        assert_memory_equal(places.positions, pack.positions, pack.count * sizeof(*pack.positions));
    }
}

/* Every third position and every second counter of any pack. */
static void
a_part_of_a_pack_is_as_in_the_whole(void **state)
{
    (void)state;
    Random random = random_new(20260221);
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
        size_t limit = limits[random_below(&random, FETTLE_COUNT_OF(limits))];
        SamplePack pack;
        SamplePack part;
        Error error = {0};
        random_pack(arena, &random, limit, 300, &pack);
        SampleBytes bytes = encode(arena, &pack, limit);
        uint32_t *wanted = ARENA_NEW_ARRAY(arena, uint32_t, pack.count);
        SampleSelection selection = {.counters = 0x55555, .positions = wanted};
        for (size_t i = 0; i < pack.count; i += 3)
            wanted[selection.position_count++] = pack.positions[i];
        if (!sample_pack_decode_selected(arena, bytes, limit, &selection, &part, &error))
            fail_msg("round %d: %s", round, error.message);
        assert_int_equal(part.count, selection.position_count);
        assert_memory_equal(part.positions, wanted, part.count * sizeof(*wanted));
        for (int c = 0; c < SAMPLE_COUNTER_COUNT; c += 2)
            for (size_t i = 0; i < part.count; i++)
                assert_int_equal(part.counters[c] == NULL ? 0 : part.counters[c][i],
                                 pack.counters[c] == NULL ? 0 : pack.counters[c][3 * i]);
        for (int c = 1; c < SAMPLE_COUNTER_COUNT; c += 2)
            assert_null(part.counters[c]);
    }
}

static SamplePack
pack_of(Arena *arena, size_t count)
{
    SamplePack pack;
    sample_pack_reserve(arena, &pack, count);
    for (size_t i = 0; i < count; i++)
        pack.positions[i] = (uint32_t)i;
    return pack;
}

static void
numbers_at_the_limits_are_kept(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
    static const int64_t numbers[] = {0, 1, 127, 128, (int64_t)1 << 62, INT64_MAX, INT64_MAX - 1, 3};
    SamplePack pack = pack_of(arena, FETTLE_COUNT_OF(numbers));
    for (int c = 0; c < SAMPLE_COUNTER_COUNT; c++)
        for (size_t i = 0; i < pack.count; i++)
            sample_pack_counter(arena, &pack, (SampleCounter)c)[i] = numbers[(i + (size_t)c) % pack.count];
    SampleBytes bytes = encode(arena, &pack, pack.count);
    SamplePack again;
    Error error = {0};
    assert_true(sample_pack_decode(arena, bytes, pack.count, &again, &error));
    assert_true(sample_pack_equal(&pack, &again));
}

static void
counters_without_activity_take_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
    SamplePack pack = pack_of(arena, 240);
    Random random = random_new(1);
    for (size_t i = 0; i < pack.count; i++)
        sample_pack_counter(arena, &pack, SAMPLE_CALLS)[i] = 1 + (int64_t)random_below(&random, 16);
    size_t calls_alone = encode(arena, &pack, 240).size;
    /* 240 numbers of 4 bits, and a few bytes around them. */
    assert_in_range(calls_alone, 120, 128);
    sample_pack_counter(arena, &pack, SAMPLE_TEMP_READ);
    assert_int_equal(encode(arena, &pack, 240).size, calls_alone);
    for (size_t i = 0; i < pack.count; i++)
        sample_pack_counter(arena, &pack, SAMPLE_ROWS)[i] = 3 * pack.counters[SAMPLE_CALLS][i];
    assert_int_equal(encode(arena, &pack, 240).size, calls_alone + 2);
    for (size_t i = 0; i < pack.count; i++)
        sample_pack_counter(arena, &pack, SAMPLE_PLAN_US)[i] = 7;
    assert_int_equal(encode(arena, &pack, 240).size, calls_alone + 4);
}

static void
one_large_number_does_not_widen_the_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
    SamplePack pack = pack_of(arena, 240);
    for (size_t i = 0; i < pack.count; i++)
        sample_pack_counter(arena, &pack, SAMPLE_CALLS)[i] = 1 + (int64_t)(i * i % 16);
    size_t before = encode(arena, &pack, 240).size;
    pack.counters[SAMPLE_CALLS][100] = (int64_t)1 << 40;
    assert_in_range(encode(arena, &pack, 240).size, before, before + 12);
}

/* A copy of just that length, so that a read past its end is one past an allocation. */
static bool
decodes(const uint8_t *data, size_t size, size_t limit)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
    uint8_t *copy = test_malloc(size + (size == 0));
    memcpy(copy, data, size);
    SamplePack pack = {0};
    Error error = {0};
    bool is_right = sample_pack_decode(arena, (SampleBytes){copy, size}, limit, &pack, &error);
    assert_true(is_right || (error.code == ERROR_DAMAGED && pack.count == 0));
    assert_true(!is_right || (pack.count > 0 && pack.positions[pack.count - 1] < limit));
    for (int c = 0; is_right && c < SAMPLE_COUNTER_COUNT; c++)
        for (size_t i = 0; pack.counters[c] != NULL && i < pack.count; i++)
            assert_true(pack.counters[c][i] >= 0);
    test_free(copy);
    return is_right;
}

static void
every_cut_and_every_addition_is_seen(void **state)
{
    (void)state;
    Random random = random_new(3);
    for (int round = 0; round < 200; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
        size_t limit = limits[random_below(&random, FETTLE_COUNT_OF(limits))];
        SamplePack pack;
        random_pack(arena, &random, limit, 60, &pack);
        SampleBytes bytes = encode(arena, &pack, limit);
        for (size_t size = 0; size < bytes.size; size++)
            assert_false(decodes(bytes.data, size, limit));
        uint8_t *longer = arena_alloc(arena, bytes.size + 1);
        memcpy(longer, bytes.data, bytes.size);
        assert_false(decodes(longer, bytes.size + 1, limit));
        assert_true(decodes(bytes.data, bytes.size, limit));
    }
}

static void
changed_bytes_give_numbers_or_a_refusal(void **state)
{
    (void)state;
    Random random = random_new(4);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
        size_t limit = limits[random_below(&random, FETTLE_COUNT_OF(limits))];
        SamplePack pack;
        random_pack(arena, &random, limit, 60, &pack);
        SampleBytes bytes = encode(arena, &pack, limit);
        uint8_t *changed = arena_memdup(arena, bytes.data, bytes.size);
        for (uint64_t change = 0; change <= random_below(&random, 4); change++)
            changed[random_below(&random, bytes.size)] = (uint8_t)random_next(&random);
        refused += !decodes(changed, bytes.size, limit);
    }
    assert_in_range(refused, ROUNDS / 10, ROUNDS);
}

static void
a_count_beyond_the_bytes_takes_no_memory(void **state)
{
    (void)state;
    /* 2^62 gaps announced, none there; the arena would end the process at 64 kB. */
    static const uint8_t bomb[] = {1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f, 0, 0};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", 64 << 10);
    SamplePack pack = {0};
    Error error = {0};
    assert_false(
        sample_pack_decode(arena, (SampleBytes){bomb, sizeof(bomb)}, SAMPLE_STATEMENTS_LIMIT, &pack, &error));
    assert_false(sample_pack_decode(arena, (SampleBytes){bomb, sizeof(bomb)}, 240, &pack, &error));
    assert_int_equal(error.code, ERROR_DAMAGED);
}

static void
samples_of_a_round_come_back_as_they_were(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("codec", (size_t)64 << 20);
    Sample samples[3] = {{.statement_id = 0, .counters = {[SAMPLE_CALLS] = 5, [SAMPLE_ROWS] = 9}},
                         {.statement_id = 7, .counters = {[SAMPLE_WAL_BYTES] = 1}},
                         {.statement_id = INT32_MAX, .counters = {[SAMPLE_CALLS] = 1, [SAMPLE_EXEC_US] = 2}}};
    SamplePack pack;
    Sample *again = NULL;
    sample_pack_from_samples(arena, samples, 3, &pack);
    SampleBytes bytes = encode(arena, &pack, SAMPLE_STATEMENTS_LIMIT);
    Error error = {0};
    assert_true(sample_pack_decode(arena, bytes, SAMPLE_STATEMENTS_LIMIT, &pack, &error));
    sample_pack_to_samples(arena, &pack, &again);
    assert_int_equal(pack.count, 3);
    assert_memory_equal(samples, again, sizeof(samples));
}

static void
the_deviation_of_a_sum_is_that_of_all_calls(void **state)
{
    (void)state;
    /* 2 calls of 10 and 30 us, 3 calls of 100 us, 1 call of 400 us. */
    static const int64_t rounds[][3] = {{2, 40, 10}, {3, 300, 0}, {1, 400, 0}};
    static const double times[] = {10, 30, 100, 100, 100, 400};
    SampleSum sum = {0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(rounds); i++)
        sample_sum_add_counters(&sum,
                                (int64_t[SAMPLE_COUNTER_COUNT]){[SAMPLE_CALLS] = rounds[i][0],
                                                                [SAMPLE_EXEC_US] = rounds[i][1],
                                                                [SAMPLE_EXEC_DEVIATION_US] = rounds[i][2]});
    sample_sum_finish(&sum);
    double squares = 0;
    for (size_t i = 0; i < FETTLE_COUNT_OF(times); i++)
        squares += (times[i] - 740.0 / 6) * (times[i] - 740.0 / 6);
    assert_int_equal(sum.counters[SAMPLE_CALLS], 6);
    assert_int_equal(sum.counters[SAMPLE_EXEC_US], 740);
    assert_int_equal(sum.counters[SAMPLE_EXEC_DEVIATION_US], llround(sqrt(squares / 6)));
}

static void
the_deviation_of_one_round_is_kept_and_sums_stop_at_the_greatest_number(void **state)
{
    (void)state;
    SampleSum sum = {0};
    int64_t counters[SAMPLE_COUNTER_COUNT] = {[SAMPLE_CALLS] = 3,
                                              [SAMPLE_EXEC_US] = (int64_t)1 << 60,
                                              [SAMPLE_EXEC_DEVIATION_US] = 17,
                                              [SAMPLE_WAL_BYTES] = (int64_t)1 << 62};
    sample_sum_add_counters(&sum, counters);
    sample_sum_finish(&sum);
    assert_int_equal(sum.counters[SAMPLE_EXEC_DEVIATION_US], 17);
    sample_sum_add_counters(&sum, counters);
    sample_sum_add_counters(&sum, counters);
    assert_int_equal(sum.counters[SAMPLE_WAL_BYTES], INT64_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pack_comes_back_as_it_was),
        cmocka_unit_test(a_part_of_a_pack_is_as_in_the_whole),
        cmocka_unit_test(numbers_at_the_limits_are_kept),
        cmocka_unit_test(counters_without_activity_take_nothing),
        cmocka_unit_test(one_large_number_does_not_widen_the_others),
        cmocka_unit_test(every_cut_and_every_addition_is_seen),
        cmocka_unit_test(changed_bytes_give_numbers_or_a_refusal),
        cmocka_unit_test(a_count_beyond_the_bytes_takes_no_memory),
        cmocka_unit_test(samples_of_a_round_come_back_as_they_were),
        cmocka_unit_test(the_deviation_of_a_sum_is_that_of_all_calls),
        cmocka_unit_test(the_deviation_of_one_round_is_kept_and_sums_stop_at_the_greatest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
