// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collect/brake.h"

#define INTERVAL_US 10000000

/* The factor after so many rounds of one length. */
static int
factor_after(LoadBrake *brake, int rounds, int64_t round_us)
{
    for (int i = 0; i < rounds; i++)
        (void)load_brake_learn(brake, round_us, INTERVAL_US, 5);
    return load_brake_factor(brake);
}

static void
a_round_within_its_share_changes_nothing(void **state)
{
    (void)state;
    LoadBrake brake = {0};
    assert_false(load_brake_learn(&brake, 500000, INTERVAL_US, 5));
    assert_int_equal(load_brake_factor(&brake), 1);
}

static void
rounds_become_rarer_until_they_fit_and_not_beyond(void **state)
{
    (void)state;
    LoadBrake brake = {0};
    assert_true(load_brake_learn(&brake, 1900000, INTERVAL_US, 5));
    assert_int_equal(load_brake_factor(&brake), 2);
    assert_int_equal(factor_after(&brake, 20, 1900000), 4);
}

static void
rounds_are_never_rarer_than_sixteen_times(void **state)
{
    (void)state;
    LoadBrake brake = {0};
    assert_int_equal(factor_after(&brake, 50, INT64_MAX / 2), BRAKE_FACTOR_MOST);
}

static void
rounds_come_back_one_step_at_a_time_once_they_are_light(void **state)
{
    (void)state;
    LoadBrake brake = {.factor = 16};
    assert_int_equal(factor_after(&brake, 1, 1000), 8);
    assert_int_equal(factor_after(&brake, 3, 1000), 1);
    assert_int_equal(factor_after(&brake, 9, 1000), 1);
}

static void
a_round_that_would_just_fit_the_shorter_time_does_not_swing(void **state)
{
    (void)state;
    LoadBrake brake = {.factor = 2};
    /* 5 % of 10 s are 0.5 s: 0.45 s is beyond four fifths of it. */
    assert_int_equal(factor_after(&brake, 10, 450000), 2);
    assert_int_equal(factor_after(&brake, 1, 399000), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_within_its_share_changes_nothing),
        cmocka_unit_test(rounds_become_rarer_until_they_fit_and_not_beyond),
        cmocka_unit_test(rounds_are_never_rarer_than_sixteen_times),
        cmocka_unit_test(rounds_come_back_one_step_at_a_time_once_they_are_light),
        cmocka_unit_test(a_round_that_would_just_fit_the_shorter_time_does_not_swing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
