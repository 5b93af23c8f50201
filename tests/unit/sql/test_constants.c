// SPDX-License-Identifier: PostgreSQL
#include "analysis_check.h"
#include "sql/constants.h"

#include <string.h>

/* What sent has for each $n of the text, "|" between them, "?" for none; "no" for no match. */
static const char *
bound(Arena *arena, const char *text, const char *sent)
{
    SqlConstant constants[SQL_CONSTANTS_MOST];
    size_t count = sql_constants_count(text);
    if (!sql_constants_bind(arena, text, sent, constants, count))
        return "no";
    if (sql_constants_key(text) != sql_constants_key(sent))
        fail_msg("another key: %s <> %s", text, sent);
    Text whole = text_new(arena);
    for (size_t i = 0; i < count; i++)
        text_append_format(&whole, "%s%s", i == 0 ? "" : "|",
                           constants[i].kind == SQL_CONSTANT_NONE ? "?" : constants[i].literal);
    return whole.data;
}

typedef struct BindCase {
    const char *text, *sent, *expected;
} BindCase;

static void
constants_of_what_was_sent_are_found(void **state)
{
    (void)state;
    static const BindCase cases[] = {
        {"select a from t where b = $1 limit $2", "SELECT a  FROM t /* x */ WHERE b='open' -- y\n LIMIT 20",
         "'open'|20"},
        {"select a from t where b = $1 and c = $2", "select a from t where b = $1 and c = 'x'", "?|'x'"},
        {"select a from t where b = $1", "select a from t where b = $3", "?"},
        {"select $1, $2, $3, $4", "select TRUE, false, Null, -7.5e-3", "true|false|NULL|(-7.5e-3)"},
        {"select a - $1, a -$2, a=$3", "select a - 5, a - -5, a=-5", "5|(-5)|(-5)"},
        {"select a ->> $1, a -> $2", "select a->>'k', a -> -1", "'k'|(-1)"},
        {"select extract($1 from a), date_part($2, a)", "select EXTRACT(year FROM a), date_part('month', a)",
         "year|'month'"},
        {"select now() - interval $1", "select now() - interval '1 day'", "'1 day'"},
        {"select $1", "select 'it''s'", "'it''s'"},
        {"select $1", "select ''", "''"},
        {"select $1", "select $$it's $x$ it$$", "'it''s $x$ it'"},
        {"select $1", "select $q$x$q$", "'x'"},
        {"select $1", "select E'x'", "'x'"},
        /* whose meaning depends on more than the text */
        {"select $1, $2, $3, $4, $5, $6", "select 'a\\b', E'\\x41', B'01', U&'d\\0061', N'x', $$\\$$",
         "?|?|?|?|?|?"},
        {"select $1", "select 0x1F", "?"},
        {"select a in ($1 /*, ... */) and b = $2", "select a in (1, -2, 'x') and b = 5", "?|5"},
        {"select a in ($1 /*, ... */)", "select a in (1)", "?"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        assert_string_equal(bound(arena, cases[i].text, cases[i].sent), cases[i].expected);
    }
}

static void
what_is_not_plainly_the_same_statement_is_no_match(void **state)
{
    (void)state;
    static const BindCase cases[] = {
        {"select $1", "select a", "no"},
        {"select $1", "select 'a' \n 'b'", "no"},
        {"select $1", "select U&'a' UESCAPE '!'", "no"},
        {"select $1", "select 'a", "no"},
        {"select $1", "select $$a", "no"},
        {"select $1", "select", "no"},
        {"select $1", "select 1, 2", "no"},
        {"select $1", "select - a", "no"},
        {"select $1", "select -'1'", "no"},
        {"select $1", "select -", "no"},
        {"select $1 from \"T\"", "select 1 from \"t\"", "no"},
        {"select $1, 5", "select 4, 6", "no"},
        {"select a in ($1, $2)", "select a in (1)", "no"},
        {"select a in ($1 /*, ... */)", "select a in (1", "no"},
        {"select $0", "select 1", "no"},
        {"select $201", "select 1", "no"},
        {"select $99999999999999999999999", "select 1", "no"},
        {"", "select 1", "no"},
        {"select 1", "", "no"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        SqlConstant constants[SQL_CONSTANTS_MOST];
        size_t count = sql_constants_count(cases[i].text);
        count = count > SQL_CONSTANTS_MOST ? SQL_CONSTANTS_MOST : count;
        if (sql_constants_bind(arena, cases[i].text, cases[i].sent, constants, count))
            fail_msg("%s matches %s", cases[i].text, cases[i].sent);
    }
}

static void
a_key_knows_statements_apart_and_no_constants(void **state)
{
    (void)state;
    static const char *const same[] = {"select a from t where b in ($1) and c = - $2 limit $3",
                                       "SELECT a FROM t WHERE b IN (1, 2, 'x') AND c = -5 LIMIT 7"};
    static const char *const other[] = {"select a from t where b in (x) and c = - $2 limit $3",
                                        "select a from t where b in ($1) and d = - $2 limit $3",
                                        "select a from t where b in ($1) and c = $2 limit",
                                        "select a from \"T\" where b in ($1) and c = - $2 limit $3"};
    assert_true(sql_constants_key(same[0]) == sql_constants_key(same[1]));
    for (size_t i = 0; i < FETTLE_COUNT_OF(other); i++)
        assert_true(sql_constants_key(same[0]) != sql_constants_key(other[i]));
    assert_true(sql_constants_key("select a, $1") != sql_constants_key("select $1, a"));
    assert_true(sql_constants_key("select - a") != sql_constants_key("select a"));
}

static void
the_place_of_a_constant_is_told_by_what_stands_before_it(void **state)
{
    (void)state;
    static const AnalysisCase cases[] = {
        {"select a ->> $1, a->$2, a #>> $3, a #> $4, a @> $5, a > $6", "NNNNVV"},
        {"select * from t where a like $1 or a not ilike $2 or a ~ $3 or a !~* $4 or a similar to $5",
         "PPPPP"},
        {"select * from t limit $1 offset $2", "RV"},
        {"select * from t offset $1 fetch first $2 rows only", "VR"},
        {"select * from t fetch next $1 rows only", "R"},
        {"select date_trunc($1, a), date_trunc($2, $3), DATE_PART($4, a), extract($5 from a)", "NNVNN"},
        {"select to_tsvector($1, a) @@ plainto_tsquery($2, $3), to_tsquery($4)", "NNVV"},
        {"select to_tsvector($1::regconfig, a), to_tsquery($2::text)", "NV"},
        {"select jsonb_extract_path_text(a, $1, $2), jsonb_extract_path($3, $4), f(a, $5)", "NNVNV"},
        {"select date_trunc(f($1), $2), date_trunc(($3), a)", "VVV"},
        {"select a ->> $1, b = $1", "V"},
        {"select a ->> $1, b like $1", "P"},
        {"select $2, a -> $2", "VV"},
        {"select a ]) ->> $1", "N"},
        {"select a - > $1", "V"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        SqlConstantPlace places[SQL_CONSTANTS_MOST];
        char word[SQL_CONSTANTS_MOST + 1] = "";
        size_t count = sql_constants_count(cases[i].text);
        sql_constants_places(arena, cases[i].text, places, count);
        for (size_t k = 0; k < count; k++)
            word[k] = "VNRP"[places[k]];
        assert_string_equal(word, cases[i].expected);
    }
}

static void
calls_deeper_than_there_is_room_for_are_no_names(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text text = text_new(arena);
    for (int i = 0; i < 1000; i++)
        text_append(&text, "date_trunc(");
    text_append(&text, "$1, a");
    for (int i = 0; i < 2000; i++)
        text_append(&text, ")");
    text_append(&text, ", date_trunc($2, a)");
    SqlConstantPlace places[2];
    sql_constants_places(arena, text.data, places, 2);
    assert_int_equal(places[0], SQL_PLACE_VALUE);
    assert_int_equal(places[1], SQL_PLACE_NAME);
}

static void
constants_are_filled_in_and_the_rest_is_numbered_anew(void **state)
{
    (void)state;
    static const char *const literals[] = {NULL, "'it''s'", NULL, "(-5)"};
    static const AnalysisCase cases[] = {
        {"select $1, $2, $3, $4", "select $1, 'it''s', $2, (-5)"},
        {"select a -$4, '$2', \"$2\", $$ $2 $$ /* $2 */ -- $2",
         "select a -(-5), '$2', \"$2\", $$ $2 $$ /* $2 */ -- $2"},
        {"select $3, $3, $1", "select $2, $2, $1"},
        {"select $5, $0", "select $3, $0"},
        {"select $2 from t where a in ($3 /*, ... */)", "select 'it''s' from t where a in ($2 /*, ... */)"},
        {"select $201, $2", "select $201, $2"},
        {"select 'a'$2, $2'b', $2.5, $2::text,$2",
         "select 'a' 'it''s', 'it''s' 'b', 'it''s' .5, 'it''s'::text,'it''s'"},
        {"", ""},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        assert_string_equal(sql_constants_fill(arena, cases[i].text, literals, 4), cases[i].expected);
    }
}

/* A parameter that stands twice has one value. */
static void
what_stands_twice_is_bound_to_one_constant(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 24);
    SqlConstant constants[1];
    static const char text[] = "select 1 from t where a = $1 or b = $1";
    assert_true(sql_constants_bind(arena, text, "select 1 from t where a = 'x' or b = 'x'", constants, 1));
    assert_string_equal(constants[0].literal, "'x'");
    assert_false(sql_constants_bind(arena, text, "select 1 from t where a = 'x' or b = 'y'", constants, 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_twice_is_bound_to_one_constant),
        cmocka_unit_test(constants_of_what_was_sent_are_found),
        cmocka_unit_test(what_is_not_plainly_the_same_statement_is_no_match),
        cmocka_unit_test(a_key_knows_statements_apart_and_no_constants),
        cmocka_unit_test(the_place_of_a_constant_is_told_by_what_stands_before_it),
        cmocka_unit_test(calls_deeper_than_there_is_room_for_are_no_names),
        cmocka_unit_test(constants_are_filled_in_and_the_rest_is_numbered_anew)};
    return cmocka_run_group_tests_name("sql constants", tests, NULL, NULL);
}
