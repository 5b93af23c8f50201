// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

/* The first outputs of xoshiro256** from the state 1, 2, 3, 4, as its authors' C gives them. */
static void
the_generator_is_xoshiro256(void **state)
{
    (void)state;
    static const uint64_t wanted[] = {UINT64_C(11520),
                                      0,
                                      UINT64_C(1509978240),
                                      UINT64_C(1215971899390074240),
                                      UINT64_C(1216172134540287360),
                                      UINT64_C(607988272756665600),
                                      UINT64_C(16172922978634559625),
                                      UINT64_C(8476171486693032832),
                                      UINT64_C(10595114339597558777),
                                      UINT64_C(2904607092377533576)};
    Random random = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wanted); i++)
        assert_true(random_next(&random) == wanted[i]);
}

static void
the_seed_is_spread_by_splitmix64(void **state)
{
    (void)state;
    Random random = random_new(0);
    assert_true(random.state[0] == UINT64_C(0xE220A8397B1DCDAF));
    assert_true(random.state[1] == UINT64_C(0x6E789E6AA1B965F4));
    assert_true(random.state[2] == UINT64_C(0x06C45D188009454F));
    assert_true(random.state[3] == UINT64_C(0xF88BB8A8724C81EC));
}

static void
equal_seeds_give_equal_numbers_and_others_do_not(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        Random a = random_new(seed);
        Random b = random_new(seed);
        Random c = random_new(seed + 1);
        uint64_t first = random_next(&a);
        assert_true(first == random_next(&b));
        assert_true(first != random_next(&c));
    }
}

static void
numbers_stay_below_their_bound_and_reach_all(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1,         2, 3, 10, 1000, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1,
                                      UINT64_MAX};
    Random random = random_new(6);
    for (size_t i = 0; i < FETTLE_COUNT_OF(bounds); i++)
        for (int k = 0; k < 1000; k++)
            assert_true(random_below(&random, bounds[i]) < bounds[i]);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++)
        counts[random_below(&random, 7)]++;
    /* ten standard deviations; the seed is fixed, so this either always holds or never */
    for (int i = 0; i < 7; i++)
        assert_true(counts[i] > 9070 && counts[i] < 10930);
}

static void
no_bound_is_a_bug_body(void *ignored)
{
    (void)ignored;
    Random random = random_new(7);
    (void)random_below(&random, 0);
}

static void
no_bound_is_a_bug(void **state)
{
    (void)state;
    assert_dies(no_bound_is_a_bug_body, NULL, "bound > 0");
}

static void
the_unit_interval_leaves_out_one(void **state)
{
    (void)state;
    Random random = random_new(8);
    double sum = 0;
    for (int i = 0; i < 100000; i++) {
        double value = random_unit(&random);
        assert_true(value >= 0 && value < 1);
        sum += value;
    }
    assert_true(sum > 49000 && sum < 51000);
    /* the greatest output there is: its upper 53 bits all set */
    Random greatest = {.state = {0, UINT64_MAX, 0, 0}};
    assert_true(random_unit(&greatest) < 1);
}

static void
the_system_gives_bytes_that_differ(void **state)
{
    (void)state;
    unsigned char a[64] = {0}, b[64] = {0}, zero[64] = {0};
    random_system_bytes(a, 32);
    random_system_bytes(b, 32);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, zero, 32);
    assert_memory_equal(a + 32, zero, 32); /* no byte beyond */
    random_system_bytes(a, 0);
    static unsigned char large[100000];
    random_system_bytes(large, sizeof(large)); /* more than one getrandom() may give */
    assert_memory_not_equal(large + sizeof(large) - 64, zero, 64);
}

static void
normal_numbers_have_mean_0_and_deviation_1(void **state)
{
    (void)state;
    Random random = random_new(3);
    double sum = 0;
    double squares = 0;
    size_t beyond_two = 0;
    for (size_t i = 0; i < 100000; i++) {
        double value = random_normal(&random);
        assert_true(isfinite(value));
        sum += value;
        squares += value * value;
        beyond_two += fabs(value) > 2;
    }
    assert_true(fabs(sum / 100000) < 0.02 && fabs(squares / 100000 - 1) < 0.02);
    assert_true(beyond_two > 4300 && beyond_two < 4800); /* 4.55 % */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_is_xoshiro256),
        cmocka_unit_test(the_seed_is_spread_by_splitmix64),
        cmocka_unit_test(equal_seeds_give_equal_numbers_and_others_do_not),
        cmocka_unit_test(numbers_stay_below_their_bound_and_reach_all),
        cmocka_unit_test(no_bound_is_a_bug),
        cmocka_unit_test(the_unit_interval_leaves_out_one),
        cmocka_unit_test(normal_numbers_have_mean_0_and_deviation_1),
        cmocka_unit_test(the_system_gives_bytes_that_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
