// SPDX-License-Identifier: PostgreSQL
/*
 * The analysis as a whole: kinds, numbers of each use, and hostile texts.
 */
#include "analysis_check.h"

#include <math.h>
#include <string.h>

static const SqlAnalysis *
analyze(Arena *arena, const char *text)
{
    static SqlCatalog catalog;
    catalog = memory_catalog();
    return sql_analyze(arena, sql_statement_parse(arena, text, strlen(text)), &catalog);
}

static void
every_kind_has_a_word(void **state)
{
    (void)state;
    for (int kind = SQL_PREDICATE_EQUAL; kind <= SQL_PREDICATE_OTHER; kind++)
        assert_true(strlen(sql_predicate_kind_word((SqlPredicateKind)kind)) >= 2);
    assert_string_equal(sql_predicate_kind_word(SQL_PREDICATE_LIKE_PREFIX), "like_prefix");
    assert_string_equal(sql_predicate_kind_word(SQL_PREDICATE_OTHER), "other");
}

static void
facts_of_uses_and_predicates_are_in_their_fields(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
    const SqlAnalysis *analysis =
        analyze(arena, "select o.id from archive.orders o join customers on customers.id = o.customer_id "
                       "where lower(email) || name = 'x' and (status in ('a', 'b') or total < $2)");
    assert_int_equal(analysis->kind, SQL_KIND_SELECT);
    assert_int_equal(analysis->use_count, 2);
    assert_int_equal(analysis->uses[0].relation_id, 6);
    assert_string_equal(analysis->uses[0].schema, "archive");
    assert_string_equal(analysis->uses[0].name, "orders");
    assert_string_equal(analysis->uses[0].alias, "o");
    assert_string_equal(analysis->uses[1].alias, "customers");
    assert_int_equal(analysis->uses[0].needed_column_count, 4);
    assert_int_equal(analysis->uses[0].needed_columns[3], 4);
    assert_int_equal(analysis->uses[0].written_column_count, 0);
    assert_int_equal(analysis->predicate_count, 5);
    const SqlPredicate *join = &analysis->predicates[0];
    assert_int_equal(join->kind, SQL_PREDICATE_JOIN);
    assert_int_equal(join->use, 1);
    assert_int_equal(join->join_use, 0);
    assert_int_equal(join->join_column, 2);
    const SqlPredicate *expression = &analysis->predicates[2];
    assert_int_equal(expression->column, 0);
    assert_string_equal(expression->expression, "lower(email) || name");
    assert_int_equal(expression->expression_columns.count, 2);
    assert_string_equal(expression->expression_columns.items[1], "name");
    assert_true(expression->is_expression_immutable);
    assert_int_equal(expression->join_use, -1);
    assert_true(isnan(expression->in_list_length));
    assert_int_equal((int)analysis->predicates[3].in_list_length, 2);
    assert_true(analysis->predicates[3].is_under_or);
    assert_int_equal(analysis->predicates[3].or_group, analysis->predicates[4].or_group);
    assert_int_equal(analysis->predicates[4].parameter, 2);
}

static void
a_use_needs_the_columns_that_are_read_through_it(void **state)
{
    (void)state;
    static const int columns[] = {2, 5};
    SqlRelationUse use = {.needed_columns = columns, .needed_column_count = 2};
    assert_true(sql_use_needs_column(&use, 2) && sql_use_needs_column(&use, 5));
    assert_false(sql_use_needs_column(&use, 3) || sql_use_needs_column(&(SqlRelationUse){0}, 2));
    use.needs_all_columns = true;
    assert_true(sql_use_needs_column(&use, 3));
}

static void
an_unparsed_text_has_an_empty_analysis(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 28);
    const SqlAnalysis *analysis = analyze(arena, "select from where from");
    assert_int_equal(analysis->kind, SQL_KIND_UNPARSED);
    assert_int_equal(analysis->use_count + analysis->predicate_count + analysis->sort_count, 0);
    assert_int_equal(analysis->unresolved_count, 0);
    assert_null(analysis->unresolved_first);
}

/* start, unit count times, middle, end count times */
static const char *
nested(Arena *arena, const char *start, const char *unit, const char *middle, const char *end, int count)
{
    Text text = text_new(arena);
    text_append(&text, start);
    for (int i = 0; i < count; i++)
        text_append(&text, unit);
    text_append(&text, middle);
    for (int i = 0; i < count; i++)
        text_append(&text, end);
    return text.data;
}

static void
large_and_deep_texts_stay_within_their_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *start, *unit, *middle, *end;
        int count;
        size_t uses, predicates;
        bool is_partial;
    } cases[] = {
        {"select * from orders where id in (1", ",1", ")", "", 20000, 1, 1, false},
        {"select a.id from ", "(select id from ", "orders", ") a", 500, 1, 0, false},
        {"select id from orders where ", "id in (select id from orders where ", "true", ")", 500, 501, 1000,
         false},
        {"select ", "(select id + (select 1) + id from orders where id = ", "1", ")", 500, 500, 500, false},
        {"select * from orders where id = 1", " or id = 1", "", "", 6000, 1, 6001, false},
        {"select * from orders", ", orders", "", "", 7000, 512, 0, true},
        {"select id from open_totals", ", open_totals", "", "", 4000, 128, 192, true},
        {"select id from orders", " union select id from orders", "", "", 1500, 512, 0, true}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        const char *text =
            nested(arena, cases[i].start, cases[i].unit, cases[i].middle, cases[i].end, cases[i].count);
        const SqlAnalysis *analysis = analyze(arena, text);
        assert_int_equal(analysis->kind, SQL_KIND_SELECT);
        assert_int_equal(analysis->use_count, cases[i].uses);
        assert_int_equal(analysis->predicate_count, cases[i].predicates);
        assert_true(analysis->is_partial == cases[i].is_partial);
    }
}

static void
outputs_read_from_level_to_level_do_not_multiply(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Text text = text_new(arena);
    text_append(&text, "with a0 as (select id x, total y from orders)");
    for (int i = 1; i < 400; i++)
        text_append_format(&text, ", a%d as (select x + y + x as x, (select y) + x as y from a%d)", i, i - 1);
    text_append(&text, " select x from a399 where x = 1");
    const SqlAnalysis *analysis = analyze(arena, text.data);
    assert_int_equal(analysis->use_count, 1);
    assert_int_equal(analysis->uses[0].needed_column_count, 2);
    assert_false(analysis->is_partial);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_word),
        cmocka_unit_test(facts_of_uses_and_predicates_are_in_their_fields),
        cmocka_unit_test(a_use_needs_the_columns_that_are_read_through_it),
        cmocka_unit_test(an_unparsed_text_has_an_empty_analysis),
        cmocka_unit_test(large_and_deep_texts_stay_within_their_bounds),
        cmocka_unit_test(outputs_read_from_level_to_level_do_not_multiply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
