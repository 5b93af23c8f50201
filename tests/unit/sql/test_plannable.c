// SPDX-License-Identifier: PostgreSQL
#include "analysis_check.h"
#include "sql/plannable.h"

static void
typed_parameters_and_fields_become_plannable(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select 1 where a > now() - interval $1", "select 1 where a > now() - ($1::interval)"},
        {"select 1 where a > timestamp (3) with time zone $1 and b",
         "select 1 where a > ($1::timestamp (3) with time zone) and b"},
        {"select DATE $1, numeric(10, 2) $2", "select ($1::DATE), ($2::numeric(10, 2))"},
        {"select extract($1 from a + b)", "select date_part($1, a + b)"},
        {"select EXTRACT ( $1 FROM timestamp $2 )", "select date_part($1, ($2::timestamp) )"},
        {"select a at time zone $1", "select a at time zone $1"},
        {"select date, $1 from t where date = $2", "select date, $1 from t where date = $2"},
        {"select 'interval $1', \"date $1\", E'\\' date $1' -- date $1",
         "select 'interval $1', \"date $1\", E'\\' date $1' -- date $1"},
        {"select extract(year from a), mydate $1", "select extract(year from a), mydate $1"},
        {"select date (x) $1, interval", "select date (x) $1, interval"},
        {"select interval", "select interval"},
        {"", ""}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        const char *plannable = sql_plannable_text(arena, cases[i].text);
        assert_string_equal(plannable, cases[i].expected);
        assert_string_equal(sql_plannable_text(arena, plannable), cases[i].expected);
    }
}

static void
a_statement_with_typed_parameters_is_parsed_as_plannable(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select id from orders where created_at > now() - interval $1 and extract($2 from created_at) = $3",
         "orders orders L0 [id created_at] | orders.created_at range > | orders. other = $3"},
        {"select id from orders where created_at > timestamp $1 and status = $2",
         "orders orders L0 [id status created_at] | orders.created_at range > $1 | orders.status equal = "
         "$2"}};
    analyses_check(cases, FETTLE_COUNT_OF(cases));
}

static void
parameters_with_nothing_but_an_operator_between_them_get_types(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select 1 where a between $1 and $2 + $3",
         "select 1 where a between $1 and $2::bigint + $3::interval"},
        {"select $1*$2, $3 %$4", "select $1::bigint*$2::interval, $3::bigint %$4::interval"},
        {"select $1 + $2 + $3", "select $1::bigint + $2::interval + $3"},
        {"select a + $1, $2 + 1, $3 || $4", "select a + $1, $2 + 1, $3 || $4"},
        {"select $1::int + $2, $1 + $2::int", "select $1::int + $2, $1 + $2::int"},
        {"select '$1 + $2' -- $1 + $2", "select '$1 + $2' -- $1 + $2"},
        {"select $1 +", "select $1 +"},
        {"", ""}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        assert_string_equal(sql_parameters_typed(arena, cases[i].text, "bigint", "interval"),
                            cases[i].expected);
    }
}

static void
arrays_of_parameters_get_a_type(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select 1 where a = any(array[$1,$2])", "select 1 where a = any(array[$1::integer,$2::integer])"},
        {"select 1 where a && ARRAY [ $1 ] and b = $2",
         "select 1 where a && ARRAY [ $1::integer ] and b = $2"},
        {"select array[$1 /*, ... */]", "select array[$1::integer /*, ... */]"},
        {"select array[$1]::int[], array[$1::int], array[a, $1]",
         "select array[$1]::int[], array[$1::int], array[a, $1]"},
        {"select array[]", "select array[]"},
        {"select array[$1", "select array[$1"},
        {"select 'array[$1]', \"array\"[$1]", "select 'array[$1]', \"array\"[$1]"},
        {"", ""}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        assert_string_equal(sql_arrays_typed(arena, cases[i].text, "integer"), cases[i].expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_parameters_and_fields_become_plannable),
        cmocka_unit_test(parameters_with_nothing_but_an_operator_between_them_get_types),
        cmocka_unit_test(arrays_of_parameters_get_a_type),
        cmocka_unit_test(a_statement_with_typed_parameters_is_parsed_as_plannable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
