// SPDX-License-Identifier: PostgreSQL
#include "../../death.h"

#include "advise/index/bits.h"
#include "base/random.h"

#include <string.h>

#define SIZE 200

/* Against plain arrays of flags. */
static void
sets_agree_with_arrays_of_flags(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Random random = random_new(51);
    for (int round = 0; round < 200; round++) {
        bool flags[2][SIZE] = {{false}};
        Bits sets[2] = {bits_new(arena, SIZE), bits_new(arena, SIZE)};
        assert_true(bits_is_empty(sets[0]) && bits_is_subset(sets[0], sets[1]));
        for (uint64_t left = random_below(&random, 60); left > 0; left--) {
            size_t which = (size_t)random_below(&random, 2);
            size_t number = (size_t)random_below(&random, round % 2 == 0 ? 5 : SIZE);
            flags[which][number] = random_below(&random, 3) > 0;
            if (flags[which][number])
                bits_add(sets[which], number);
            else
                bits_remove(sets[which], number);
        }
        bool is_subset = true, is_empty = true;
        size_t common = 0, last = SIZE_MAX;
        for (size_t i = 0; i < SIZE; i++) {
            assert_int_equal(bits_has(sets[0], i), flags[0][i]);
            is_subset = is_subset && (!flags[0][i] || flags[1][i]);
            is_empty = is_empty && !flags[0][i];
            if (flags[0][i] && flags[1][i]) {
                common++;
                last = i;
            }
        }
        assert_int_equal(bits_is_subset(sets[0], sets[1]), is_subset);
        assert_int_equal(bits_is_empty(sets[0]), is_empty);
        assert_true(bits_only_common(sets[0], sets[1]) == (common == 1 ? last : SIZE_MAX));
    }
}

static void
a_copy_is_apart(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Bits bits = bits_new(arena, 65);
    bits_add(bits, 64);
    Bits copy = bits_copy(arena, bits);
    bits_remove(bits, 64);
    assert_true(bits_has(copy, 64) && bits_is_empty(bits));
    assert_false(bits_has(copy, 0));
    Bits none = bits_copy(arena, bits_new(arena, 0));
    assert_true(bits_is_empty(none) && bits_is_subset(none, none));
}

static void
add_beyond(void *bits)
{
    bits_add(*(Bits *)bits, 128);
}

static void
ask_beyond(void *bits)
{
    (void)bits_has(*(Bits *)bits, 1000);
}

static void
remove_beyond(void *bits)
{
    bits_remove(*(Bits *)bits, SIZE_MAX);
}

static void
what_is_beyond_a_set_is_a_bug(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Bits bits = bits_new(arena, 100);
    assert_dies(add_beyond, &bits, "word_count");
    assert_dies(ask_beyond, &bits, "word_count");
    assert_dies(remove_beyond, &bits, "word_count");
}

static void
equal_sets_have_equal_hashes_and_others_have_not(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    Bits one = bits_new(arena, 200);
    Bits other = bits_new(arena, 200);
    bits_add(one, 3);
    bits_add(one, 150);
    bits_add(other, 150);
    assert_true(bits_hash(one) != bits_hash(other));
    bits_add(other, 3);
    assert_true(bits_hash(one) == bits_hash(other));
    arena_free(arena);
}

static void
a_set_that_is_set_to_another_is_its_equal_and_apart(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Bits one = bits_new(arena, 200);
    Bits other = bits_new(arena, 200);
    bits_add(one, 3);
    bits_add(one, 64);
    bits_add(other, 64);
    bits_add(other, 199);
    bits_set(one, other);
    assert_true(bits_equal(one, other) && bits_count(one) == 2);
    bits_remove(one, 199);
    assert_true(bits_has(other, 199));
    bits_set(bits_new(arena, 0), bits_new(arena, 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_agree_with_arrays_of_flags),
        cmocka_unit_test(a_copy_is_apart),
        cmocka_unit_test(what_is_beyond_a_set_is_a_bug),
        cmocka_unit_test(a_set_that_is_set_to_another_is_its_equal_and_apart),
        cmocka_unit_test(equal_sets_have_equal_hashes_and_others_have_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
