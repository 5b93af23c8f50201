// SPDX-License-Identifier: PostgreSQL
#include "server.h"

#include "base/random.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static PgConnection *
connect_with_table(const char *columns)
{
    PgConnection *connection = test_server_connect();
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    Error error = {0};
    if (!pg_execute(connection, arena_printf(arena, "CREATE TEMPORARY TABLE t (%s)", columns), &error))
        fail_msg("%s", error.message);
    return connection;
}

/* Any text, and what COPY's text format gives a meaning of its own. */
static void
every_value_arrives_as_it_was(void **state)
{
    (void)state;
    static const char *const awkward[] = {"",     "\\N", "\\.",  "\\",   "a\tb", "a\nb",
                                          "\r\n", "\\n", "NULL", "ä表😀", " ",    "\x01\x7f"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = connect_with_table("n integer, x text, y text");
    Random random = random_new(24);
    const char *values[3 * 500];
    for (int row = 0; row < 500; row++) {
        values[row * 3] = arena_printf(arena, "%d", row);
        for (int column = 1; column <= 2; column++) {
            Text text = text_new(arena);
            for (uint64_t left = random_below(&random, 4); left > 0; left--)
                text_append(&text, awkward[random_below(&random, FETTLE_COUNT_OF(awkward))]);
            values[row * 3 + column] = random_below(&random, 10) == 0 ? NULL : text.data;
        }
    }
    Error error = {0};
    if (!pg_copy_in(connection, "COPY t FROM STDIN", values, 500, 3, &error))
        fail_msg("%s", error.message);
    FETTLE_CLEANUP(pg_result_free_at) PgResult *result = NULL;
    assert_true(pg_query_simple(connection, "SELECT n, x, y FROM t ORDER BY n", &result, &error));
    assert_int_equal(pg_result_rows(result), 500);
    for (int i = 0; i < 1500; i++)
        assert_true(text_equals(pg_result_text(result, i / 3, i % 3), values[i]));
}

static void
nothing_may_be_sent_and_much(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x text");
    Error error = {0};
    assert_true(pg_copy_in(connection, "COPY t FROM STDIN", NULL, 0, 1, &error));
    assert_string_equal(test_server_value(arena, connection, "SELECT count(*) FROM t"), "0");
    const char *wide = arena_printf(arena, "%*s", 400000, "x");
    const char *values[20];
    for (size_t i = 0; i < 20; i++)
        values[i] = wide;
    assert_true(pg_copy_in(connection, "COPY t FROM STDIN", values, 20, 1, &error));
    assert_string_equal(
        test_server_value(arena, connection, "SELECT count(*) || ' ' || sum(length(x)) FROM t"),
        "20 8000000");
}

static void
a_refused_row_refuses_all_and_the_session_goes_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = connect_with_table("x integer CHECK (x < 10)");
    static const struct {
        const char *values[2];
        const char *sqlstate;
    } cases[] = {{{"1", "x"}, "22P02"}, {{"1", "10"}, "23514"}, {{"1", "2"}, "22P04"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        /* two values a row where the table has one column are the last case */
        assert_false(pg_copy_in(connection, "COPY t FROM STDIN", cases[i].values, i == 2 ? 1 : 2,
                                i == 2 ? 2 : 1, &error));
        assert_string_equal(error.sqlstate, cases[i].sqlstate);
        assert_false(pg_connection_is_broken(connection));
        assert_string_equal(test_server_value(arena, connection, "SELECT count(*) FROM t"), "0");
    }
}

static void
what_is_no_copy_from_stdin_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"SELECT 1", "COPY nosuch FROM STDIN", "COPY", ""};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x text");
    static const char *const values[] = {"a"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++) {
        Error error = {0};
        assert_false(pg_copy_in(connection, texts[i], values, 1, 1, &error));
        assert_int_not_equal(error.code, ERROR_NONE);
        assert_false(pg_connection_is_broken(connection));
    }
    Error error = {0};
    assert_false(pg_copy_in(connection, "COPY t TO STDOUT", values, 1, 1, &error));
    assert_true(pg_connection_is_broken(connection));
    assert_false(pg_copy_in(connection, "COPY t FROM STDIN", values, 1, 1, &error));
    assert_contains(error.message, "lost by an earlier failure");
}

static void
a_copy_by_another_call_is_refused_and_the_session_goes_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x text");
    Error error = {0};
    assert_false(pg_execute_script(connection, "COPY t FROM STDIN", NULL, &error));
    assert_contains(error.message, "pg_copy_in()");
    assert_false(pg_connection_is_broken(connection));
    assert_string_equal(test_server_value(arena, connection, "SELECT count(*) FROM t"), "0");
}

static void
bytes_that_are_rows_already_arrive_and_bad_ones_leave_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x int");
    Error error = {0};
    assert_true(pg_copy_in_bytes(connection, "COPY t FROM STDIN", "1\n2\n", 4, &error));
    assert_string_equal(test_server_value(arena, connection, "SELECT sum(x) FROM t"), "3");
    assert_false(pg_copy_in_bytes(connection, "COPY t FROM STDIN", "4\nx\n", 4, &error));
    assert_string_equal(error.sqlstate, "22P02");
    assert_false(pg_connection_is_broken(connection));
    assert_string_equal(test_server_value(arena, connection, "SELECT sum(x) FROM t"), "3");
}

/* So many lines of one digit, 9 to a piece; at refuse_at the giver or taker has had enough. */
typedef struct Lines {
    size_t left;
    size_t seen;
    size_t refuse_at; /* 0: never */
} Lines;

static bool
lines_give(void *context, char *buffer, size_t size, size_t *ret_length, Error *error)
{
    Lines *lines = context;
    assert_true(size >= 18);
    if (lines->refuse_at > 0 && lines->left <= lines->refuse_at)
        return error_set(error, ERROR_CANCELLED, "the giver has had enough");
    *ret_length = 0;
    for (; lines->left > 0 && *ret_length < 18; lines->left--) {
        buffer[(*ret_length)++] = '7';
        buffer[(*ret_length)++] = '\n';
    }
    return true;
}

static bool
lines_take(void *context, const char *data, size_t length, Error *error)
{
    Lines *lines = context;
    for (size_t i = 0; i < length; i++)
        lines->seen += data[i] == '\n';
    return lines->refuse_at == 0 || lines->seen < lines->refuse_at ||
           error_set(error, ERROR_CANCELLED, "the taker has had enough");
}

static void
a_stream_goes_in_and_comes_out_whole(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x int");
    Error error = {0};
    Lines given = {.left = 100000};
    Lines taken = {0};
    assert_true(pg_copy_in_stream(connection, "COPY t FROM STDIN", lines_give, &given, &error));
    assert_string_equal(test_server_value(arena, connection, "SELECT count(*) || ' ' || sum(x) FROM t"),
                        "100000 700000");
    assert_true(pg_copy_out(connection, "COPY t TO STDOUT", lines_take, &taken, &error));
    assert_int_equal(taken.seen, 100000);
}

static void
a_giver_that_fails_leaves_nothing_and_a_taker_that_fails_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x int");
    Error error = {0};
    Lines given = {.left = 1000, .refuse_at = 500};
    assert_false(pg_copy_in_stream(connection, "COPY t FROM STDIN", lines_give, &given, &error));
    assert_string_equal(error.message, "the giver has had enough");
    assert_false(pg_connection_is_broken(connection));
    assert_string_equal(test_server_value(arena, connection, "SELECT count(*) FROM t"), "0");
    error = (Error){0};
    Lines taken = {.refuse_at = 10};
    assert_false(pg_copy_out(connection, "COPY (SELECT generate_series(1, 100000)) TO STDOUT", lines_take,
                             &taken, &error));
    assert_string_equal(error.message, "the taker has had enough");
    error = (Error){0};
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *fresh = connect_with_table("x int");
    assert_false(pg_copy_out(fresh, "SELECT 1", lines_take, &taken, &error));
    assert_int_equal(error.code, ERROR_USAGE);
}

static bool
slow_take(void *context, const char *data, size_t length, Error *error)
{
    (void)context, (void)data, (void)length, (void)error;
    struct timespec pause = {.tv_nsec = 12000000};
    (void)nanosleep(&pause, NULL);
    return true;
}

/* Each row is sent at once, for none fits into the server's buffer, and is there before it is read. */
static void
the_time_of_a_server_counts_that_is_done_before_anybody_reads(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = connect_with_table("x text");
    Error error = {0};
    int64_t before_us = pg_connection_server_time_us(connection);
    if (!pg_copy_out(connection,
                     "COPY (SELECT repeat('x', 9000), pg_sleep(0.01) FROM generate_series(1, 20)) TO STDOUT",
                     slow_take, NULL, &error))
        fail_msg("%s", error.message);
    assert_in_range(pg_connection_server_time_us(connection) - before_us, 190000, 10000000);
    /* what lies between two calls is nobody's time */
    before_us = pg_connection_server_time_us(connection);
    (void)nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    assert_true(pg_execute(connection, "SELECT 1", &error));
    assert_in_range(pg_connection_server_time_us(connection) - before_us, 1, 450000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_arrives_as_it_was),
        cmocka_unit_test(nothing_may_be_sent_and_much),
        cmocka_unit_test(a_refused_row_refuses_all_and_the_session_goes_on),
        cmocka_unit_test(what_is_no_copy_from_stdin_is_refused),
        cmocka_unit_test(a_copy_by_another_call_is_refused_and_the_session_goes_on),
        cmocka_unit_test(bytes_that_are_rows_already_arrive_and_bad_ones_leave_nothing),
        cmocka_unit_test(a_stream_goes_in_and_comes_out_whole),
        cmocka_unit_test(the_time_of_a_server_counts_that_is_done_before_anybody_reads),
        cmocka_unit_test(a_giver_that_fails_leaves_nothing_and_a_taker_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
