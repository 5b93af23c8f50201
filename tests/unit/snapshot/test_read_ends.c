// SPDX-License-Identifier: PostgreSQL
#include "../pg/server.h"

#include "base/text.h"
#include "snapshot/read_ends.h"

#include <stdlib.h>
#include <string.h>

static void
note_ends(void *context, const char *id, const char *low_value, const char *high_value)
{
    text_append_format(context, "%s:%s..%s ", id, low_value == NULL ? "NULL" : low_value,
                       high_value == NULL ? "NULL" : high_value);
}

/* Asks within a transaction, as a read does; whether it succeeded. */
static bool
ask(Arena *arena, PgConnection *connection, const ReadEnds *ends, Text *ret_words)
{
    *ret_words = text_new(arena);
    Error error = {0};
    assert_true(pg_transaction_begin_read_only(connection, &error));
    return read_ends(arena, connection, ends, note_ends, ret_words, &error);
}

static void
ends_of_many_indexes_are_asked_in_few_statements(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    const char *ids[45], *probes[45];
    Text wanted = text_new(arena);
    for (int i = 0; i < 45; i++) {
        ids[i] = arena_printf(arena, "%d", i);
        probes[i] = arena_printf(arena, "select '%d', '%d', %s", i, -i, i % 7 == 0 ? "null" : "'x'");
        text_append_format(&wanted, "%d:%d..%s ", i, -i, i % 7 == 0 ? "NULL" : "x");
    }
    int64_t before = pg_connection_round_trips(connection);
    Text words;
    assert_true(ask(arena, connection, &(ReadEnds){ids, probes, 45, false, DEADLINE_NEVER}, &words));
    assert_string_equal(words.data, wanted.data);
    assert_true(pg_connection_round_trips(connection) - before <= 1 + 3 * 4);
    assert_true(ask(arena, connection, &(ReadEnds){ids, probes, 0, false, DEADLINE_NEVER}, &words));
    assert_string_equal(words.data, "");
}

static void
an_index_that_may_not_be_read_or_takes_long_is_left_out(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const ids[] = {"1", "2", "3", "4"};
    static const char *const probes[] = {"select '1', 'a', 'b'", "select '2', (1/0)::text, ''",
                                         "select '3', pg_sleep(30)::text, ''", "select '4', 'c', 'd'"};
    Text words;
    assert_true(ask(arena, connection, &(ReadEnds){ids, probes, 4, false, DEADLINE_NEVER}, &words));
    assert_string_equal(words.data, "1:a..b 4:c..d ");
    /* the transaction goes on, with the timeout it had */
    assert_string_equal(test_server_value(arena, connection, "SHOW statement_timeout"), "30s");
}

static void
after_the_deadline_nothing_is_asked(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const ids[] = {"1"};
    static const char *const probes[] = {"select '1', 'a', 'b'"};
    Text words;
    assert_true(ask(arena, connection, &(ReadEnds){ids, probes, 1, false, 1}, &words));
    assert_string_equal(words.data, "");
}

static void
a_session_that_is_lost_fails_the_read(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    static const char *const ids[] = {"1"};
    static const char *const probes[] = {"select '1', pg_terminate_backend(pg_backend_pid())::text, ''"};
    Text words;
    assert_false(ask(arena, connection, &(ReadEnds){ids, probes, 1, false, DEADLINE_NEVER}, &words));
    assert_true(pg_connection_is_broken(connection));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_of_many_indexes_are_asked_in_few_statements),
        cmocka_unit_test(an_index_that_may_not_be_read_or_takes_long_is_left_out),
        cmocka_unit_test(after_the_deadline_nothing_is_asked),
        cmocka_unit_test(a_session_that_is_lost_fails_the_read),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
