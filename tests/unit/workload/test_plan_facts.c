// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "workload/plan_facts.h"

static void
a_condition_is_an_equality_of_columns_with_one_value_each(void **state)
{
    (void)state;
    static const char *const equalities[] = {
        "(id = $1)",
        "((a = $1) AND (b = $2))",
        "((status)::text = $1)",
        "((o.\"Strange (ANY) \"\"name\" = 'it''s <> OR'::text) AND (id = 5))",
        "(a = ($1)::character varying)",
        "is_open"};
    static const char *const others[] = {
        "(id = ANY ($1))", "((a = $1) OR (b = $2))", "(a > $1)",    "(a ~~ $1)",     "(a && $1)",
        "(tags ? $1)",     "(lower(a) = $1)",        "(a IS NULL)", "(NOT is_open)", "((at)::date = $1)",
        "(\"F\"(a) = $1)", "(hashed SubPlan 1)",     "(a[1] = $1)", "(a <> $1)",     "((a + b) = $1)"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(equalities); i++)
        if (!plan_condition_is_equality(equalities[i]))
            fail_msg("%s", equalities[i]);
    for (size_t i = 0; i < FETTLE_COUNT_OF(others); i++)
        if (plan_condition_is_equality(others[i]))
            fail_msg("%s", others[i]);
}

static void
a_condition_names_whole_words(void **state)
{
    (void)state;
    assert_true(plan_condition_names("((status)::text = $1)", "status"));
    assert_false(plan_condition_names("(order_status = 'status')", "status"));
    assert_false(plan_condition_names(NULL, "status"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_is_an_equality_of_columns_with_one_value_each),
        cmocka_unit_test(a_condition_names_whole_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
