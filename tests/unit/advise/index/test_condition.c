// SPDX-License-Identifier: PostgreSQL
#include "../../death.h"

#include "advise/index/condition.h"
#include "base/text.h"

#include <string.h>

static void
a_conditions_basis_is_that_of_its_least_known_part(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        ConditionBasis basis;
    } cases[] = {
        {"(a = $1)", CONDITION_ESTIMATED},
        {"(a <> $1)", CONDITION_ESTIMATED},
        {"(a <> (f(b) + 1))", CONDITION_ESTIMATED},
        {"(a = ANY ($1))", CONDITION_ESTIMATED},
        {"(a IS DISTINCT FROM $1)", CONDITION_ESTIMATED},
        {"(a > $1)", CONDITION_RANGE},
        {"($1 <= a)", CONDITION_RANGE},
        {"(a <= ($1 + 2))", CONDITION_RANGE},
        {"(a > 5)", CONDITION_ESTIMATED},
        {"(a ~~ $1)", CONDITION_BLIND},
        {"(a ~~* (('%'::text || $1) || '%'::text))", CONDITION_BLIND},
        {"(a !~~ $1)", CONDITION_ESTIMATED},
        {"(a ~~ '%x%'::text)", CONDITION_ESTIMATED},
        {"(b @> jsonb_build_object($2, ($3 || $1)))", CONDITION_BLIND},
        {"((b ->> 'k'::text) = 'x'::text)", CONDITION_BLIND},
        {"((b ->> $2) = ($3 || $1))", CONDITION_BLIND},
        {"(lower(a) = $1)", CONDITION_BLIND},
        {"((a)::text = 'x'::text)", CONDITION_ESTIMATED},
        {"((a = 1) AND (c > $2))", CONDITION_RANGE},
        {"((c > $2) AND (a = 1))", CONDITION_RANGE},
        {"((a = 1) OR (a ~~ $2))", CONDITION_BLIND},
        {"((c >= $1) AND (c <= $2))", CONDITION_BLIND},
        {"((c >= 1) AND (c <= 2))", CONDITION_ESTIMATED},
        {"((c >= $1) AND (c > $2))", CONDITION_RANGE},
        {"((c >= $1) AND (d <= $2))", CONDITION_RANGE},
        /* what an InitPlan gives, before 17 and since */
        {"(a > $0)", CONDITION_RANGE},
        {"(a > (InitPlan 1).col1)", CONDITION_RANGE},
        {"((a)::numeric > (InitPlan 1).col1)", CONDITION_RANGE},
        /* true or false by what is called */
        {"is_due(a)", CONDITION_RANGE},
        {"(NOT public.is_due(a, 5))", CONDITION_RANGE},
        {"(SubPlan 1)", CONDITION_RANGE},
        {"(NOT (hashed SubPlan 1))", CONDITION_RANGE},
        {"EXISTS(SubPlan 1)", CONDITION_RANGE},
        {"((a = 1) AND is_due(b))", CONDITION_RANGE},
        {"(is_due(a) AND is_due(b))", CONDITION_RANGE},
        {"(length(a) > 5)", CONDITION_RANGE},
        {"(ROW(a, b) > ROW(1, 2))", CONDITION_ESTIMATED},
        /* what stands in quotes is no condition */
        {"(a = 'x > $1 AND b ~~ $2'::text)", CONDITION_ESTIMATED},
        {"(a > 'SubPlan 1'::text)", CONDITION_ESTIMATED},
        {"(\"a > $1\" = 2)", CONDITION_ESTIMATED},
        {"(\"a > $1\" > $2)", CONDITION_RANGE},
        {"(a > '$1'::text)", CONDITION_ESTIMATED},
        {"is_open", CONDITION_ESTIMATED},
        {"(NOT is_open)", CONDITION_ESTIMATED},
        {"(deleted_at IS NULL)", CONDITION_ESTIMATED},
        {"", CONDITION_ESTIMATED},
        {"((((((", CONDITION_ESTIMATED},
        {"(a > '$1", CONDITION_ESTIMATED},
        {"NOT ", CONDITION_ESTIMATED},
        {" > $1 AND ", CONDITION_RANGE},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        if (condition_basis(cases[i].condition) != cases[i].basis)
            fail_msg("%s", cases[i].condition);
}

static void
what_does_not_bound_the_beginning_of_the_keys_chooses_within_what_is_read(void **state)
{
    (void)state;
    static const char *const a_b[] = {"a", "b", "c"};
    static const char *const lower_b[] = {"lower(a)", "odd name"};
    static const struct {
        const char *condition;
        const char *const *keys;
        size_t key_count;
        bool is_beside;
        ConditionBasis basis;
    } cases[] = {
        {"(a = $1)", a_b, 3, false, CONDITION_ESTIMATED},
        {"((a = $1) AND (b > $2))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((a = ANY ($1)) AND (b = $2) AND (c >= $3) AND (c <= $4))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((a IS NULL) AND (b > $2))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((a > $1) AND (b = $2))", a_b, 3, true, CONDITION_ESTIMATED},
        {"((a IS NOT NULL) AND (b = 5))", a_b, 3, true, CONDITION_ESTIMATED},
        /* nothing is looked up by a */
        {"(b = 5)", a_b, 3, true, CONDITION_ESTIMATED},
        {"(b >= $1)", a_b, 3, true, CONDITION_RANGE},
        {"((b >= $1) AND (b <= $2))", a_b, 3, true, CONDITION_BLIND},
        {"((a = 1) AND (c > $1))", a_b, 3, true, CONDITION_RANGE},
        {"(ROW(a, b) > ROW($1, $2))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((a = 1) AND (ROW(b, c) > ROW($1, $2)))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((ab = 1) AND (b = 2))", a_b, 3, true, CONDITION_ESTIMATED},
        {"(((a)::text = 'x'::text) AND (b > $1))", a_b, 3, false, CONDITION_ESTIMATED},
        {"((lower(a) = $1) AND (\"odd name\" > $2))", lower_b, 2, false, CONDITION_ESTIMATED},
        {"(\"odd name\" > $2)", lower_b, 2, true, CONDITION_RANGE},
        /* keys unknown: the condition has them in order */
        {"((a = $1) AND (b > $2))", NULL, 0, false, CONDITION_ESTIMATED},
        {"((a IS NOT NULL) AND (a >= $1))", NULL, 0, false, CONDITION_ESTIMATED},
        {"((a IS NOT NULL) AND (a >= $1) AND (b >= $2))", NULL, 0, true, CONDITION_RANGE},
        {"((a >= $1) AND (b >= $1) AND (b <= $2))", NULL, 0, true, CONDITION_BLIND},
        {"", NULL, 0, false, CONDITION_ESTIMATED},
        {"((((", a_b, 3, true, CONDITION_ESTIMATED},
        {"(\"", NULL, 0, false, CONDITION_ESTIMATED},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        ConditionBasis basis;
        bool is_beside = condition_beside_keys(cases[i].condition, cases[i].keys, cases[i].key_count, &basis);
        if (is_beside != cases[i].is_beside || basis != cases[i].basis)
            fail_msg("%s of %zu keys: %d, %d", cases[i].condition, cases[i].key_count, is_beside, basis);
    }
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
    assert_int_equal(condition_basis(text.data), CONDITION_RANGE);
}

static void
what_is_searched_is_no_plain_comparison(void **state)
{
    (void)state;
    assert_true(condition_searches("((name ~~ $1) AND (a = 5))"));
    assert_true(condition_searches("((data ->> 'code'::text) = $1)"));
    assert_true(condition_searches("(tags @> '{1}'::integer[])"));
    assert_false(condition_searches("((a = 5) AND (b > $1))"));
    assert_false(condition_searches("(a <> 5)"));
    assert_false(condition_searches("((a + b) > 160)"));
    assert_false(condition_searches("(COALESCE(x, 0) > 100)"));
    const char *document = "data #>> '{a,b}'";
    assert_true(condition_reads_document(document, strlen(document)));
    assert_false(condition_reads_document(document, strlen("data ")));
    assert_false(condition_reads_document("", 0));
    assert_false(condition_searches(""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_searched_is_no_plain_comparison),
        cmocka_unit_test(a_conditions_basis_is_that_of_its_least_known_part),
        cmocka_unit_test(what_does_not_bound_the_beginning_of_the_keys_chooses_within_what_is_read),
        cmocka_unit_test(a_condition_of_many_parts_is_read_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
