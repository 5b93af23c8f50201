// SPDX-License-Identifier: PostgreSQL
/*
 * Names and literals: whatever they hold, the server must read back what was meant.
 */
#include "server.h"

#include "base/random.h"
#include "pg/identifier.h"

#include <string.h>

static const char *const pieces[] = {"a", "Z", "_",  "9", " ",  "\"", "'", "\\", ",", "{", "}",
                                     "(", "é", "表", "😀", "\n", "\t", ".", "$",  "-", ";", "NULL"};

static char *
random_text(Arena *arena, Random *random, uint64_t pieces_most)
{
    Text text = text_new(arena);
    for (uint64_t left = random_below(random, pieces_most); left > 0; left--)
        text_append(&text, pieces[random_below(random, FETTLE_COUNT_OF(pieces))]);
    return text.data;
}

static void
a_name_is_quoted_when_it_needs_to_be(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"orders", "orders"},
                                           {"_x9", "_x9"},
                                           {"Orders", "\"Orders\""},
                                           {"9x", "\"9x\""},
                                           {"a b", "\"a b\""},
                                           {"a\"b", "\"a\"\"b\""},
                                           {"", "\"\""},
                                           {"\"", "\"\"\"\""},
                                           {"user", "\"user\""},
                                           {"select", "\"select\""},
                                           {"name", "name"},
                                           {"between", "\"between\""},
                                           {"größe", "\"größe\""},
                                           {"a$b", "\"a$b\""},
                                           {"a.b", "\"a.b\""},
                                           {"USER", "\"USER\""},
                                           {"json_table", "\"json_table\""},
                                           {"merge_action", "\"merge_action\""},
                                           {"a\\b", "\"a\\b\""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(pg_identifier_quote(arena, cases[i][0]), cases[i][1]);
    assert_string_equal(pg_identifier_qualify(arena, "public", "Order Items"), "public.\"Order Items\"");
    assert_string_equal(pg_identifier_qualify(arena, NULL, "group"), "\"group\"");
    assert_string_equal(pg_identifier_qualify(arena, "A.b", "c.d"), "\"A.b\".\"c.d\"");
}

/* Every word that any of the server's keywords lists reserves is quoted; ours knows later servers' words too.
 */
static void
every_keyword_of_the_server_is_quoted_as_it_would(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    assert_true(pg_query_simple(connection, "SELECT word, quote_ident(word) FROM pg_get_keywords()", &result,
                                &error));
    assert_true(pg_result_rows(result) > 400);
    for (int64_t i = 0; i < pg_result_rows(result); i++) {
        const char *word = pg_result_text(result, i, 0);
        const char *wanted = pg_result_text(result, i, 1);
        const char *quoted = pg_identifier_quote(arena, word);
        if (wanted[0] == '"')
            assert_string_equal(quoted, wanted);
        else
            assert_true(text_equals(quoted, word) ||
                        text_equals(quoted, arena_printf(arena, "\"%s\"", word)));
    }
}

static void
any_name_or_literal_reads_back_in_the_server(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Random random = random_new(21);
    for (int round = 0; round < 60; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
        Text query = text_new(arena);
        text_append(&query, "SELECT ");
        const char *names[20], *values[20];
        for (int i = 0; i < 20; i++) {
            names[i] = pg_identifier_cut(arena, arena_printf(arena, "n%s", random_text(arena, &random, 20)));
            values[i] = random_text(arena, &random, 20);
            text_append_format(&query, "%s%s AS %s", i == 0 ? "" : ", ", pg_literal_quote(arena, values[i]),
                               pg_identifier_quote(arena, names[i]));
        }
        FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
        Error error = {0};
        if (!pg_query_simple(connection, query.data, &result, &error))
            fail_msg("%s", error.message);
        for (int i = 0; i < 20; i++) {
            assert_string_equal(pg_result_column_name(result, i), names[i]);
            assert_string_equal(pg_result_text(result, 0, i), values[i]);
        }
    }
}

static void
a_literal_means_the_same_whatever_the_server_thinks_of_backslashes(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    assert_string_equal(pg_literal_quote(arena, ""), "''");
    assert_string_equal(pg_literal_quote(arena, "it's"), "'it''s'");
    assert_string_equal(pg_literal_quote(arena, "a\\'b"), "E'a\\\\''b'");
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    assert_true(pg_execute(connection, "SET standard_conforming_strings = off", &error));
    assert_true(pg_execute(connection, "SET escape_string_warning = off", &error));
    const char *query = arena_printf(arena, "SELECT %s", pg_literal_quote(arena, "a\\'; b\\\\"));
    assert_string_equal(test_server_value(arena, connection, query), "a\\'; b\\\\");
}

static void
an_array_of_the_server_is_split_into_its_elements(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int count;
        const char *values[4];
    } cases[] = {{"{}", 0, {NULL}},
                 {"{1}", 1, {"1"}},
                 {"{1,-2.5,x y}", 3, {"1", "-2.5", "x y"}},
                 {"{NULL,\"NULL\",null}", 3, {NULL, "NULL", NULL}},
                 {"{\"\"}", 1, {""}},
                 {"{\"a,b\",\"{c}\",\"d\\\"e\",\"f\\\\g\"}", 4, {"a,b", "{c}", "d\"e", "f\\g"}},
                 {"{é,表}", 2, {"é", "表"}}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char **values = NULL;
        size_t count = 99;
        assert_true(pg_array_parse(arena, cases[i].text, &values, &count));
        assert_int_equal(count, cases[i].count);
        for (size_t k = 0; k < count; k++)
            assert_true(text_equals(values[k], cases[i].values[k]));
    }
}

static void
what_is_no_array_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",         "x",        "{",        "}",      "{1",   "{1,",
                                        "{1,}",     "{,1}",     "{,}",      "{1}x",   "{1} ", " {1}",
                                        "{{1}}",    "{\"a}",    "{\"a\"b}", "{\"a\\", "{a\\", "[0:1]={1,2}",
                                        "{\"a\",}", "{a\"b\"}", "{1,{2}}"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    const char **values = NULL;
    size_t count = 99;
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++)
        if (pg_array_parse(arena, texts[i], &values, &count))
            fail_msg("%s is taken for an array", texts[i]);
    assert_false(pg_array_parse(arena, NULL, &values, &count));
    assert_true(values == NULL && count == 99);
}

static void
an_array_takes_little_more_memory_than_its_text(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Text text = text_new(arena);
    text_append_char(&text, '{');
    for (int i = 0; i < 500000; i++)
        text_append(&text, "1,");
    text_append(&text, "1}");
    size_t before = arena_used_bytes(arena);
    const char **values;
    size_t count;
    assert_true(pg_array_parse(arena, text.data, &values, &count));
    assert_int_equal(count, 500001);
    assert_true(arena_used_bytes(arena) - before < 20 * text.length);
}

static void
an_array_literal_reads_back_here_and_in_the_server(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Random random = random_new(22);
    for (int round = 0; round < 100; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
        const char *values[10];
        size_t count = (size_t)random_below(&random, 11);
        for (size_t i = 0; i < count; i++)
            values[i] = random_below(&random, 5) == 0 ? NULL : random_text(arena, &random, 8);
        const char *literal = pg_array_literal(arena, values, count);
        const char *const parameters[] = {literal};
        PgQuery query = {.text = "SELECT $1::text[]::text, cardinality($1::text[])",
                         .parameters = parameters,
                         .parameter_count = 1};
        FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
        Error error = {0};
        if (!pg_query(connection, &query, &result, &error))
            fail_msg("%s", error.message);
        assert_int_equal(pg_result_int(result, 0, 1, -1), count);
        const char *const texts[] = {literal, pg_result_text(result, 0, 0)};
        for (int k = 0; k < 2; k++) {
            const char **again = NULL;
            size_t again_count = 0;
            assert_true(pg_array_parse(arena, texts[k], &again, &again_count));
            assert_int_equal(again_count, count);
            for (size_t i = 0; i < count; i++)
                assert_true(text_equals(again[i], values[i]));
        }
    }
}

static void
a_long_name_is_cut_as_the_server_cuts_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const characters[] = {"x", "é", "表", "😀"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(characters); i++)
        for (int shift = 0; shift < 4; shift++) {
            Text text = text_new(arena);
            for (int k = 0; k < shift; k++)
                text_append_char(&text, 'a');
            while (text.length < 80)
                text_append(&text, characters[i]);
            const char *query = arena_printf(arena, "SELECT '%s'::name", text.data);
            assert_string_equal(pg_identifier_cut(arena, text.data),
                                test_server_value(arena, connection, query));
        }
    assert_string_equal(pg_identifier_cut(arena, "short"), "short");
    assert_string_equal(pg_identifier_cut_to(arena, "a\u00e9b", 2), "a");
    assert_string_equal(pg_identifier_cut_to(arena, "a\u00e9b", 3), "a\u00e9");
    assert_string_equal(pg_identifier_cut_to(arena, "\u00e9", 0), "");
    assert_int_equal(strlen(pg_identifier_cut(arena, arena_printf(arena, "%063d", 0))), 63);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_quoted_when_it_needs_to_be),
        cmocka_unit_test(every_keyword_of_the_server_is_quoted_as_it_would),
        cmocka_unit_test(any_name_or_literal_reads_back_in_the_server),
        cmocka_unit_test(a_literal_means_the_same_whatever_the_server_thinks_of_backslashes),
        cmocka_unit_test(an_array_of_the_server_is_split_into_its_elements),
        cmocka_unit_test(what_is_no_array_is_refused),
        cmocka_unit_test(an_array_takes_little_more_memory_than_its_text),
        cmocka_unit_test(an_array_literal_reads_back_here_and_in_the_server),
        cmocka_unit_test(a_long_name_is_cut_as_the_server_cuts_it),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
