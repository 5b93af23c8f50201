// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

static void
assert_something_false(void *ignored)
{
    (void)ignored;
    fettle_assert(1 + 1 == 3);
}

static void
fail_directly(void *ignored)
{
    (void)ignored;
    fettle_assert_failed("the moon is cheese", "moon.c", 42, "land");
}

static void
a_broken_assert_ends_the_process_and_says_where(void **state)
{
    (void)state;
    assert_dies(assert_something_false, NULL, "1 + 1 == 3 does not hold in assert_something_false (");
    assert_dies(assert_something_false, NULL, "test_attributes.c:");
    assert_dies(fail_directly, NULL, "internal error: the moon is cheese does not hold in land (moon.c:42)");
}

static void
an_assert_that_holds_evaluates_its_condition_once(void **state)
{
    (void)state;
    int count = 0;
    fettle_assert(++count == 1);
    assert_int_equal(count, 1);
}

static void
an_array_knows_its_count(void **state)
{
    (void)state;
    static const char *const words[] = {"a", "b", "c"};
    assert_int_equal(FETTLE_COUNT_OF(words), 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_broken_assert_ends_the_process_and_says_where),
        cmocka_unit_test(an_assert_that_holds_evaluates_its_condition_once),
        cmocka_unit_test(an_array_knows_its_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
