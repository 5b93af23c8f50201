// SPDX-License-Identifier: PostgreSQL
/*
 * Statements and their rows: what is read is what the server has, within limits, or an error; and the session
 * goes on.
 */
#include "../death.h"
#include "server.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static PgResult *
rows_of(PgConnection *connection, const char *text)
{
    PgResult *result = NULL;
    Error error = {0};
    if (!pg_query_simple(connection, text, &result, &error))
        fail_msg("%s", error.message);
    return result;
}

static void
rows_columns_and_types_are_given(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at)
    PgResult *result = rows_of(
        connection, "SELECT i AS n, 'tëxt' || i AS \"T\", NULL::date, '' AS n FROM generate_series(1, 3) i");
    assert_int_equal(pg_result_rows(result), 3);
    assert_int_equal(pg_result_columns(result), 4);
    assert_string_equal(pg_result_column_name(result, 1), "T");
    assert_int_equal(pg_result_column_find(result, "T"), 1);
    assert_int_equal(pg_result_column_find(result, "n"), 0); /* the first of two */
    assert_int_equal(pg_result_column_find(result, "t"), -1);
    assert_int_equal(pg_result_column_type(result, 0), 23);
    assert_int_equal(pg_result_column_type(result, 1), 25);
    assert_int_equal(pg_result_column_type(result, 2), 1082);
    for (int64_t row = 0; row < 3; row++) {
        assert_int_equal(pg_result_int(result, row, 0, -1), row + 1);
        assert_int_equal(pg_result_length(result, row, 1), 6);
        assert_null(pg_result_text(result, row, 2));
        assert_int_equal(pg_result_length(result, row, 2), 0);
        assert_string_equal(pg_result_text(result, row, 3), "");
    }
}

static void
a_result_without_rows_or_columns_is_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const texts[] = {"SELECT 1 AS x WHERE false", "SELECT",
                                        "SELECT FROM generate_series(1, 3)", "SET work_mem = '5MB'", ""};
    static const int rows[] = {0, 1, 3, 0, 0};
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        FETTLE_CLEANUP(pg_result_free_at) PgResult *result = rows_of(connection, texts[i]);
        assert_int_equal(pg_result_rows(result), rows[i]);
        assert_int_equal(pg_result_columns(result), i == 0);
        assert_int_equal(pg_result_column_find(result, "x"), i == 0 ? 0 : -1);
    }
    pg_result_free(NULL);
}

static void
numbers_are_read_or_the_fallback_is_given(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at)
    PgResult *result = rows_of(
        connection, "SELECT 9223372036854775807, 9223372036854775808::numeric, 'x', NULL, 1.5, 'NaN'::float8,"
                    " '-Infinity'::float8, true, false, 1e-300::float8, '7 '");
    assert_true(pg_result_int(result, 0, 0, -1) == INT64_MAX);
    for (int column = 1; column <= 6; column++)
        assert_int_equal(pg_result_int(result, 0, column, -7), -7);
    assert_int_equal(pg_result_int(result, 0, 10, -7), -7);
    assert_true(pg_result_double(result, 0, 1, -1) == 9223372036854775808.0);
    assert_true(pg_result_double(result, 0, 2, -1) == -1 && pg_result_double(result, 0, 3, -1) == -1);
    assert_true(pg_result_double(result, 0, 4, -1) == 1.5 && isnan(pg_result_double(result, 0, 5, -1)));
    assert_true(pg_result_double(result, 0, 6, -1) == -INFINITY &&
                pg_result_double(result, 0, 9, -1) == 1e-300);
    assert_true(pg_result_bool(result, 0, 7));
    assert_false(pg_result_bool(result, 0, 8) || pg_result_bool(result, 0, 3) ||
                 pg_result_bool(result, 0, 2));
}

static void
parameters_are_values_and_never_text_of_the_statement(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const values[] = {"'; DROP TABLE x; --", NULL, "", "ä\\\n\"", "5"};
    PgQuery query = {.text = "SELECT $1::text, $2::text, $3::text, $4::text, $5::int + 1",
                     .parameters = values,
                     .parameter_count = 5};
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    assert_true(pg_query(connection, &query, &result, &error));
    for (int i = 0; i < 4; i++)
        assert_true(text_equals(pg_result_text(result, 0, i), values[i]));
    assert_int_equal(pg_result_int(result, 0, 4, -1), 6);
    assert_true(pg_execute_parameters(connection, "SELECT set_config('work_mem', $1, false)",
                                      (const char *const[]){"7MB"}, 1, &error));
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    assert_string_equal(test_server_value(arena, connection, "SHOW work_mem"), "7MB");
    assert_false(pg_execute_parameters(connection, "SELECT $1::int", (const char *const[]){"x"}, 1, &error));
    assert_string_equal(error.sqlstate, "22P02");
}

static void
arrays_in_binary_are_read_and_anything_else_is_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    PgQuery query = {.text = "SELECT ARRAY[1, -2, 3], '{7}'::int8[], '{-5,6}'::int2[], '{}'::int4[], "
                             "ARRAY[timestamptz '1970-01-01 00:00:01+00'], ARRAY[[1, 2], [3, 4]], "
                             "ARRAY[1, NULL], ARRAY['a'], 5, NULL::int4[], ARRAY[timestamptz 'infinity'], "
                             "'[5:6]={8,9}'::int4[]",
                     .is_binary = true};
    assert_true(pg_query(connection, &query, &result, &error));
    static const struct {
        int column;
        size_t count;
        int64_t items[3];
    } good[] = {{0, 3, {1, -2, 3}}, {1, 1, {7}},       {2, 2, {-5, 6}},
                {3, 0, {0}},        {4, 1, {1000000}}, {11, 2, {8, 9}}};
    int64_t *items;
    size_t count;
    for (size_t i = 0; i < FETTLE_COUNT_OF(good); i++) {
        assert_true(pg_result_ints(result, 0, good[i].column, arena, &items, &count));
        assert_int_equal(count, good[i].count);
        for (size_t at = 0; at < count; at++)
            assert_int_equal(items[at], good[i].items[at]);
    }
    for (int column = 5; column <= 10; column++)
        assert_false(pg_result_ints(result, 0, column, arena, &items, &count));
    FETTLE_CLEANUP(pg_result_free_at) PgResult *words = rows_of(connection, "SELECT ARRAY[1]");
    assert_false(pg_result_ints(words, 0, 0, arena, &items, &count));
}

static void
a_second_statement_in_a_text_is_refused(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    PgResult *result = NULL;
    Error error = {0};
    assert_false(pg_query_simple(connection, "SELECT 1; SELECT 2", &result, &error));
    assert_int_equal(error.code, ERROR_QUERY);
    assert_string_equal(error.sqlstate, "42601");
    assert_null(result);
    assert_false(pg_connection_is_broken(connection));
    pg_result_free(rows_of(connection, "SELECT 1"));
}

static void
a_script_gives_the_rows_of_its_last_query(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    Error error = {0};
    assert_true(pg_execute_script(connection,
                                  "SELECT 1, 2; SELECT i FROM generate_series(1, 5) i; SET work_mem = '6MB'",
                                  &result, &error));
    assert_int_equal(pg_result_rows(result), 5);
    assert_int_equal(pg_result_columns(result), 1);
    assert_true(pg_execute_script(connection, "SELECT 1", NULL, &error));
    /* what fails in the middle takes all of it back, and gives no rows */
    PgResult *none = NULL;
    assert_false(pg_execute_script(connection, "SET work_mem = '9MB'; SELECT 1/0; SELECT 3", &none, &error));
    assert_string_equal(error.sqlstate, "22012");
    assert_null(none);
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    assert_string_equal(test_server_value(arena, connection, "SHOW work_mem"), "6MB");
}

static void
limits_of_rows_and_bytes_are_errors_and_the_session_goes_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const struct {
        const char *text;
        int64_t rows_most, bytes_most;
        bool good;
        const char *words;
    } cases[] = {
        {"SELECT generate_series(1, 100)", 100, 0, true, NULL},
        {"SELECT generate_series(1, 101)", 100, 0, false, "more than 100 rows"},
        {"SELECT generate_series(1, 100000000)", 1000, 0, false, "more than 1000 rows"},
        {"SELECT repeat('x', 10000)", 0, 20000, true, NULL},
        {"SELECT repeat('x', 100000)", 0, 20000, false, "20000 bytes"},
        {"SELECT repeat('x', 100) FROM generate_series(1, 1000000)", 0, 1000000, false, "1000000 bytes"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        PgResult *result = NULL;
        Error error = {0};
        PgQuery query = {
            .text = cases[i].text, .rows_most = cases[i].rows_most, .bytes_most = cases[i].bytes_most};
        assert_int_equal(pg_query(connection, &query, &result, &error), cases[i].good);
        assert_true((result != NULL) == cases[i].good);
        pg_result_free(result);
        if (cases[i].good)
            continue;
        assert_int_equal(error.code, ERROR_LIMIT);
        assert_contains(error.message, cases[i].words);
        if (!pg_connection_is_broken(connection))
            pg_result_free(rows_of(connection, "SELECT 1"));
        else {
            /* too much was under way to be read to its end */
            pg_connection_close(connection);
            connection = test_server_connect();
        }
    }
}

static void
many_rows_are_all_there(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at)
    PgResult *result =
        rows_of(connection, "SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('x', i % 500) END "
                            "FROM generate_series(0, 49999) i");
    assert_int_equal(pg_result_rows(result), 50000);
    for (int64_t row = 0; row < 50000; row++) {
        assert_int_equal(pg_result_int(result, row, 0, -1), row);
        const char *text = pg_result_text(result, row, 1);
        if (row % 3 == 0)
            assert_null(text);
        else
            assert_true(strlen(text) == (size_t)(row % 500) &&
                        pg_result_length(result, row, 1) == strlen(text));
    }
}

static void
a_read_only_transaction_refuses_to_write_and_ends_also_after_a_failure(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    assert_true(pg_transaction_begin_read_only(connection, &error));
    assert_string_equal(test_server_value(arena, connection, "SHOW transaction_isolation"),
                        "repeatable read");
    assert_string_equal(test_server_value(arena, connection, "SHOW transaction_read_only"), "on");
    assert_false(pg_execute(connection, "CREATE TABLE written (x integer)", &error));
    assert_string_equal(error.sqlstate, "25006");
    assert_false(pg_execute(connection, "SELECT 1", &error));
    assert_string_equal(error.sqlstate, "25P02");
    assert_true(pg_transaction_end(connection, &error));
    assert_string_equal(
        test_server_value(arena, connection, "SELECT count(*) FROM pg_class WHERE relname = 'written'"), "0");
    assert_true(pg_transaction_end(connection, &error)); /* none is open */
}

static void
read_beyond_the_rows(void *result)
{
    (void)pg_result_text(result, 1, 0);
}

static void
read_beyond_the_columns(void *result)
{
    (void)pg_result_column_name(result, 2);
}

static void
read_before_the_columns(void *result)
{
    (void)pg_result_column_type(result, -1);
}

static void
what_is_beyond_the_result_is_a_bug(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = rows_of(connection, "SELECT 1, 2");
    assert_dies(read_beyond_the_rows, result, "row < result->rows");
    assert_dies(read_beyond_the_columns, result, "column < result->columns");
    assert_dies(read_before_the_columns, result, "column >= 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_columns_and_types_are_given),
        cmocka_unit_test(a_result_without_rows_or_columns_is_one),
        cmocka_unit_test(numbers_are_read_or_the_fallback_is_given),
        cmocka_unit_test(parameters_are_values_and_never_text_of_the_statement),
        cmocka_unit_test(arrays_in_binary_are_read_and_anything_else_is_none),
        cmocka_unit_test(a_second_statement_in_a_text_is_refused),
        cmocka_unit_test(a_script_gives_the_rows_of_its_last_query),
        cmocka_unit_test(limits_of_rows_and_bytes_are_errors_and_the_session_goes_on),
        cmocka_unit_test(many_rows_are_all_there),
        cmocka_unit_test(a_read_only_transaction_refuses_to_write_and_ends_also_after_a_failure),
        cmocka_unit_test(what_is_beyond_the_result_is_a_bug),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
