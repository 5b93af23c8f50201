// SPDX-License-Identifier: PostgreSQL
#include "api/limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
// cmocka needs those above
#include <cmocka.h>

static void
a_bucket_gives_one_seconds_worth_and_says_when_to_come_back(void **state)
{
    (void)state;
    Limits *limits = limits_new();
    int seconds = 0;
    for (int i = 0; i < 3; i++)
        assert_true(limits_take_request(limits, "token:1", 3, &seconds));
    assert_false(limits_take_request(limits, "token:1", 0.001, &seconds));
    assert_in_range(seconds, 1, 1000);
    assert_true(limits_take_request(limits, "token:2", 3, &seconds));
    limits_free(limits);
}

static void
less_than_one_a_second_still_lets_the_first_pass(void **state)
{
    (void)state;
    Limits *limits = limits_new();
    int seconds = 0;
    assert_true(limits_take_request(limits, "a", 0.1, &seconds));
    assert_false(limits_take_request(limits, "a", 0.1, &seconds));
    assert_in_range(seconds, 9, 10);
    limits_free(limits);
}

static void
the_eleventh_failure_of_a_name_from_an_address_is_refused(void **state)
{
    (void)state;
    Limits *limits = limits_new();
    int seconds = 0;
    for (int i = 0; i < LIMIT_FAILURES_MOST; i++)
        assert_true(limits_take_login(limits, "ada", "10.0.0.1", &seconds));
    assert_false(limits_take_login(limits, "ada", "10.0.0.1", &seconds));
    assert_in_range(seconds, LIMIT_FAILURES_SECONDS - 5, LIMIT_FAILURES_SECONDS);
    assert_true(limits_take_login(limits, "ada", "10.0.0.2", &seconds));
    assert_true(limits_take_login(limits, "bob", "10.0.0.1", &seconds));
    limits_free(limits);
}

static void
a_login_that_was_right_is_no_failure(void **state)
{
    (void)state;
    Limits *limits = limits_new();
    int seconds = 0;
    for (int i = 0; i < 5 * LIMIT_FAILURES_MOST; i++) {
        assert_true(limits_take_login(limits, "ada", "10.0.0.1", &seconds));
        limits_forgive_login(limits, "ada", "10.0.0.1");
    }
    limits_free(limits);
}

/* Ten thousand keys that are new are fewer than the places, spread by a key nobody knows: the one that is
 * used all the time stays. */
static void
a_flood_of_keys_does_not_push_out_one_that_is_in_use(void **state)
{
    (void)state;
    Limits *limits = limits_new();
    int seconds = 0;
    int passed = 0;
    for (int i = 0; i < 10000; i++) {
        char key[32];
        snprintf(key, sizeof(key), "flood:%d", i);
        assert_true(limits_take_request(limits, key, 5, &seconds));
        passed += limits_take_request(limits, "kept", 0.001, &seconds);
    }
    assert_int_equal(passed, 1);
    limits_free(limits);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_gives_one_seconds_worth_and_says_when_to_come_back),
        cmocka_unit_test(less_than_one_a_second_still_lets_the_first_pass),
        cmocka_unit_test(the_eleventh_failure_of_a_name_from_an_address_is_refused),
        cmocka_unit_test(a_login_that_was_right_is_no_failure),
        cmocka_unit_test(a_flood_of_keys_does_not_push_out_one_that_is_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
