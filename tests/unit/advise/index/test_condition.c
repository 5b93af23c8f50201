// SPDX-License-Identifier: PostgreSQL
#include "../../death.h"

#include "advise/index/condition.h"
#include "base/text.h"

static void
a_conditions_basis_is_that_of_its_least_known_part(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        ConditionBasis generic, known;
    } cases[] = {
        {"(a = $1)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a <> $1)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a = ANY ($1))", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a > $1)", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"($1 <= a)", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"(a <= ($1 + 2))", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"(a > 5)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a ~~ $1)", CONDITION_BLIND, CONDITION_ESTIMATED},
        {"(a ~~* (('%'::text || $1) || '%'::text))", CONDITION_BLIND, CONDITION_ESTIMATED},
        {"(a !~~ $1)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a ~~ '%x%'::text)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(b @> jsonb_build_object($2, ($3 || $1)))", CONDITION_BLIND, CONDITION_ESTIMATED},
        {"((b ->> 'k'::text) = 'x'::text)", CONDITION_BLIND, CONDITION_BLIND},
        {"((b ->> $2) = ($3 || $1))", CONDITION_BLIND, CONDITION_BLIND},
        {"(lower(a) = $1)", CONDITION_BLIND, CONDITION_BLIND},
        {"((a)::text = 'x'::text)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"((a = 1) AND (c > $2))", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"((c > $2) AND (a = 1))", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"((a = 1) OR (a ~~ $2))", CONDITION_BLIND, CONDITION_ESTIMATED},
        {"((c >= $1) AND (c <= $2))", CONDITION_BLIND, CONDITION_ESTIMATED},
        {"((c >= $1) AND (c > $2))", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"((c >= $1) AND (d <= $2))", CONDITION_RANGE, CONDITION_ESTIMATED},
        /* what stands in quotes is no condition */
        {"(a = 'x > $1 AND b ~~ $2'::text)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(\"a > $1\" = 2)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(\"a > $1\" > $2)", CONDITION_RANGE, CONDITION_ESTIMATED},
        {"(a > '$1'::text)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"is_open", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(NOT is_open)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(deleted_at IS NULL)", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"((((((", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {"(a > '$1", CONDITION_ESTIMATED, CONDITION_ESTIMATED},
        {" > $1 AND ", CONDITION_RANGE, CONDITION_ESTIMATED},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        if (condition_basis(cases[i].condition, NULL, 0, true) != cases[i].generic)
            fail_msg("%s, generic", cases[i].condition);
        if (condition_basis(cases[i].condition, NULL, 0, false) != cases[i].known)
            fail_msg("%s", cases[i].condition);
    }
}

static void
the_column_named_is_left_out(void **state)
{
    (void)state;
    static const char both[] = "((a IS NOT NULL) AND (a >= $1) AND (b >= $2))";
    assert_int_equal(condition_basis(both, "b", 1, true), CONDITION_RANGE);
    assert_int_equal(condition_basis("((a IS NOT NULL) AND (a >= $1))", "a", 1, true), CONDITION_ESTIMATED);
    /* not one whose name only begins so */
    assert_int_equal(condition_basis("(ab >= $1)", "a", 1, true), CONDITION_RANGE);
}

static void
a_condition_of_many_parts_is_read_to_a_limit(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text text = text_new(arena);
    text_append(&text, "(a = 1)");
    for (size_t i = 0; i < 1000; i++)
        text_append(&text, " AND (c >= $1)");
    assert_int_equal(condition_basis(text.data, NULL, 0, true), CONDITION_RANGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conditions_basis_is_that_of_its_least_known_part),
        cmocka_unit_test(the_column_named_is_left_out),
        cmocka_unit_test(a_condition_of_many_parts_is_read_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
