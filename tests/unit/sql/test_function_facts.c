// SPDX-License-Identifier: PostgreSQL
#include "analysis_check.h"
#include "sql/function_facts.h"

static void
a_type_is_known_by_both_of_its_names(void **state)
{
    (void)state;
    assert_int_equal(value_type_named("integer"), VALUE_NUMBER);
    assert_int_equal(value_type_named("int4"), VALUE_NUMBER);
    assert_int_equal(value_type_named("timestamp with time zone"), VALUE_TIMESTAMPTZ);
    assert_int_equal(value_type_named("timestamptz"), VALUE_TIMESTAMPTZ);
    assert_int_equal(value_type_named("text[]"), VALUE_ARRAY);
    assert_int_equal(value_type_named("mood"), VALUE_UNKNOWN);
    assert_int_equal(value_type_named(""), VALUE_UNKNOWN);
}

static void
casts_through_settings_or_time_zones_are_not_immutable(void **state)
{
    (void)state;
    assert_true(cast_is_immutable(VALUE_TEXT, VALUE_NUMBER));
    assert_true(cast_is_immutable(VALUE_LITERAL, VALUE_DATE));
    assert_true(cast_is_immutable(VALUE_TIMESTAMP, VALUE_DATE));
    assert_true(cast_is_immutable(VALUE_UUID, VALUE_TEXT));
    assert_false(cast_is_immutable(VALUE_TEXT, VALUE_DATE));
    assert_false(cast_is_immutable(VALUE_DATE, VALUE_TEXT));
    assert_false(cast_is_immutable(VALUE_TIMESTAMPTZ, VALUE_DATE));
    assert_false(cast_is_immutable(VALUE_UNKNOWN, VALUE_TEXT));
    assert_false(cast_is_immutable(VALUE_TEXT, VALUE_UNKNOWN));
}

static void
operators_have_a_type_and_are_immutable_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool has_left;
        ValueType left, right, type;
        bool is_immutable;
    } cases[] = {{"->", true, VALUE_JSONB, VALUE_LITERAL, VALUE_JSONB, true},
                 {"->>", true, VALUE_JSON, VALUE_LITERAL, VALUE_TEXT, true},
                 {"||", true, VALUE_TEXT, VALUE_LITERAL, VALUE_TEXT, true},
                 {"||", true, VALUE_NUMBER, VALUE_TEXT, VALUE_UNKNOWN, false},
                 {"||", true, VALUE_LITERAL, VALUE_JSONB, VALUE_JSONB, true},
                 {"+", true, VALUE_NUMBER, VALUE_NUMBER, VALUE_NUMBER, true},
                 {"+", true, VALUE_TIMESTAMP, VALUE_INTERVAL, VALUE_TIMESTAMP, true},
                 {"+", true, VALUE_TIMESTAMPTZ, VALUE_INTERVAL, VALUE_UNKNOWN, false},
                 {"-", true, VALUE_DATE, VALUE_DATE, VALUE_NUMBER, true},
                 {"+", true, VALUE_DATE, VALUE_DATE, VALUE_UNKNOWN, false},
                 {"-", false, VALUE_UNKNOWN, VALUE_NUMBER, VALUE_NUMBER, true},
                 {"<", true, VALUE_DATE, VALUE_TIMESTAMPTZ, VALUE_BOOLEAN, false},
                 {"<", true, VALUE_DATE, VALUE_LITERAL, VALUE_BOOLEAN, true},
                 {"@@", true, VALUE_TSVECTOR, VALUE_TSQUERY, VALUE_BOOLEAN, true},
                 {"@@", true, VALUE_TEXT, VALUE_TSQUERY, VALUE_BOOLEAN, false},
                 {"<->", true, VALUE_NUMBER, VALUE_NUMBER, VALUE_UNKNOWN, false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        ValueFact fact = operator_fact(cases[i].name, cases[i].has_left, cases[i].left, cases[i].right);
        assert_int_equal(fact.type, cases[i].type);
        assert_int_equal(fact.is_immutable, cases[i].is_immutable);
    }
}

static void
a_builtin_function_is_judged_by_its_arguments(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        ValueType arguments[2];
        size_t count;
        ValueType type;
        bool is_immutable;
    } cases[] = {{"lower", {VALUE_TEXT}, 1, VALUE_TEXT, true},
                 {"lower", {VALUE_UNKNOWN}, 1, VALUE_UNKNOWN, true},
                 {"date_trunc", {VALUE_LITERAL, VALUE_TIMESTAMP}, 2, VALUE_TIMESTAMP, true},
                 {"date_trunc", {VALUE_LITERAL, VALUE_DATE}, 2, VALUE_TIMESTAMPTZ, false},
                 {"date_part", {VALUE_LITERAL, VALUE_DATE}, 2, VALUE_NUMBER, true},
                 {"extract", {VALUE_LITERAL, VALUE_TIMESTAMPTZ}, 2, VALUE_NUMBER, false},
                 {"timezone", {VALUE_LITERAL, VALUE_TIMESTAMPTZ}, 2, VALUE_TIMESTAMP, true},
                 {"to_tsvector", {VALUE_LITERAL, VALUE_TEXT}, 2, VALUE_TSVECTOR, true},
                 {"to_tsvector", {VALUE_TEXT}, 1, VALUE_TSVECTOR, false},
                 {"int4range", {VALUE_TEXT}, 1, VALUE_UNKNOWN, false},
                 {"width_bucket", {VALUE_NUMBER}, 1, VALUE_NUMBER, true},
                 {"abs", {VALUE_NUMBER}, 1, VALUE_NUMBER, true},
                 {"to_char", {VALUE_TIMESTAMP, VALUE_LITERAL}, 2, VALUE_UNKNOWN, false},
                 {"no_such", {VALUE_TEXT}, 1, VALUE_UNKNOWN, false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        ValueFact fact = builtin_fact(cases[i].name, cases[i].arguments, cases[i].count);
        assert_int_equal(fact.type, cases[i].type);
        assert_int_equal(fact.is_immutable, cases[i].is_immutable);
    }
}

static void
functions_are_found_in_their_lists(void **state)
{
    (void)state;
    assert_true(builtin_is_volatile("clock_timestamp") && builtin_is_volatile("random"));
    assert_true(builtin_is_volatile("uuid_generate_v4") && !builtin_is_volatile("now"));
    assert_true(function_is_aggregate("array_agg") && function_is_aggregate("xmlagg"));
    assert_true(function_is_aggregate("max") && !function_is_aggregate("lower"));
    assert_true(function_returns_set("generate_series") && function_returns_set("unnest"));
    assert_false(function_returns_set("jsonb_array_length"));
}

static void
names_that_are_not_plain_or_are_key_words_need_quotes(void **state)
{
    (void)state;
    static const char *const quoted[] = {"Id", "order",    "all",  "xmltable", "a b",  "a\"b", "1a",
                                         "",   "\xc3\xa9", "user", "left",     "time", "json", "offset"};
    static const char *const plain[] = {"id", "_x", "a1", "name", "value", "status", "text", "date", "count"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(quoted); i++)
        assert_true(name_needs_quotes(quoted[i]));
    for (size_t i = 0; i < FETTLE_COUNT_OF(plain); i++)
        assert_false(name_needs_quotes(plain[i]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_known_by_both_of_its_names),
        cmocka_unit_test(casts_through_settings_or_time_zones_are_not_immutable),
        cmocka_unit_test(operators_have_a_type_and_are_immutable_or_not),
        cmocka_unit_test(a_builtin_function_is_judged_by_its_arguments),
        cmocka_unit_test(functions_are_found_in_their_lists),
        cmocka_unit_test(names_that_are_not_plain_or_are_key_words_need_quotes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
