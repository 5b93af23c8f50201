// SPDX-License-Identifier: PostgreSQL
/*
 * Sessions: how they are set up, how they refuse, how they end.
 */
#include "listener.h"
#include "server.h"

#include "base/text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const PgConnectOptions target = {.purpose = PG_PURPOSE_TARGET};
static const PgConnectOptions quick = {.purpose = PG_PURPOSE_TARGET, .connect_timeout_ms = 400};

static PgConnection *
open_or_fail(const char *dsn, const PgConnectOptions *options)
{
    PgConnection *connection = NULL;
    Error error = {0};
    if (!pg_connection_open(dsn, options, &connection, &error))
        fail_msg("%s", error.message);
    return connection;
}

static void
assert_setting(PgConnection *connection, const char *name, const char *wanted)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    assert_string_equal(test_server_value(arena, connection, arena_printf(arena, "SHOW %s", name)), wanted);
}

static void
a_target_session_is_read_only_and_bounded(void **state)
{
    (void)state;
    static const char *const settings[][2] = {{"default_transaction_read_only", "on"},
                                              {"transaction_read_only", "on"},
                                              {"search_path", "pg_catalog"},
                                              {"jit", "off"},
                                              {"max_parallel_workers_per_gather", "0"},
                                              {"statement_timeout", "7s"},
                                              {"lock_timeout", "250ms"},
                                              {"idle_in_transaction_session_timeout", "67s"},
                                              {"application_name", "o'clock \\"},
                                              {"DateStyle", "ISO, MDY"},
                                              {"IntervalStyle", "postgres"},
                                              {"TimeZone", "UTC"},
                                              {"bytea_output", "hex"},
                                              {"extra_float_digits", "1"},
                                              {"lc_monetary", "C"},
                                              {"client_encoding", "UTF8"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = open_or_fail(test_server_dsn(arena, "plain", "postgres", ""),
                                            &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET,
                                                                .statement_timeout_ms = 7000,
                                                                .lock_timeout_ms = 250,
                                                                .application_name = "o'clock \\"});
    for (size_t i = 0; i < FETTLE_COUNT_OF(settings); i++)
        assert_setting(connection, settings[i][0], settings[i][1]);
}

static void
a_session_is_set_up_in_one_round_trip(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = open_or_fail(test_server_dsn(arena, "plain", "postgres", ""), &target);
    assert_int_equal(pg_connection_round_trips(connection), 1);
    assert_true(pg_connection_server_time_us(connection) > 0);
    assert_setting(connection, "statement_timeout", "30s");
    assert_setting(connection, "lock_timeout", "500ms");
    assert_setting(connection, "application_name", "fettle");
    assert_int_equal(pg_connection_round_trips(connection), 4);
}

static void
an_own_session_may_write_and_keeps_its_search_path(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    assert_setting(connection, "transaction_read_only", "off");
    assert_setting(connection, "search_path", "\"$user\", public");
    assert_setting(connection, "TimeZone", "UTC");
}

static void
a_connection_tells_server_database_user_and_backend(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection =
        open_or_fail(test_server_dsn(arena, "postgres", "postgres", ""),
                     &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET, .database = "ascii", .user = "plain"});
    assert_string_equal(pg_connection_database(connection), "ascii");
    assert_string_equal(pg_connection_user(connection), "plain");
    assert_string_equal(
        test_server_value(arena, connection, "SELECT current_database() || ' ' || current_user"),
        "ascii plain");
    const char *version = test_server_value(arena, connection, "SHOW server_version_num");
    assert_int_equal(pg_connection_server_version(connection), strtol(version, NULL, 10));
    assert_int_equal(pg_connection_server_major(connection), strtol(version, NULL, 10) / 10000);
    const char *process = test_server_value(arena, connection, "SELECT pg_backend_pid()");
    assert_int_equal(pg_connection_backend_pid(connection), strtol(process, NULL, 10));
    assert_false(pg_connection_is_broken(connection));
}

static void
a_password_from_the_string_is_used(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    pg_connection_close(
        open_or_fail(test_server_dsn(arena, "careful", "postgres", "password='" TEST_PASSWORD "'"), &target));
    const char *uri = arena_printf(arena, "postgres://careful:%s@/postgres?host=%s", TEST_PASSWORD_ENCODED,
                                   test_server_directory());
    pg_connection_close(open_or_fail(uri, &target));
}

static void
closing_nothing_is_allowed(void **state)
{
    (void)state;
    PgConnection *none = NULL;
    pg_connection_close(none);
    pg_connection_close_at(&none);
    assert_null(none);
}

static void
a_host_that_refuses_is_passed_over_for_the_next(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    const char *dsn =
        arena_printf(arena, "host=127.0.0.1,/nowhere,%s port=1,5432,5432 user=plain dbname=postgres",
                     test_server_directory());
    pg_connection_close(open_or_fail(dsn, &target));
}

static void
a_host_that_swallows_packets_is_passed_over_for_the_next(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    const char *directory = test_server_directory();
    Listener *silent = listener_start(&(ListenerScript){.never_accepts = true});
    const char *dsn = arena_printf(arena, "host=127.0.0.1,%s port=%d,5432 user=plain dbname=postgres",
                                   directory, listener_port(silent));
    pg_connection_close(
        open_or_fail(dsn, &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET, .connect_timeout_ms = 2000}));
    listener_stop(silent);
}

static void
a_host_that_swallows_packets_ends_at_the_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Listener *silent = listener_start(&(ListenerScript){.never_accepts = true});
    const char *dsn = arena_printf(arena, "host=127.0.0.1 port=%d user=x dbname=x", listener_port(silent));
    Error error = test_failed_connect(dsn, &quick);
    assert_int_equal(error.code, ERROR_TIMEOUT);
    listener_stop(silent);
}

static void
a_server_that_accepts_and_stays_silent_ends_at_the_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Listener *silent = listener_start(&(ListenerScript){.ending = LISTENER_HOLDS});
    const char *dsn = arena_printf(arena, "host=127.0.0.1 port=%d user=x dbname=x", listener_port(silent));
    int64_t start = clock_monotonic_ms();
    Error error = test_failed_connect(dsn, &quick);
    assert_true(clock_monotonic_ms() - start < 20000);
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_contains(error.hint, "firewalls");
    listener_stop(silent);
}

static void
a_server_that_stalls_in_the_set_up_ends_at_the_connect_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Listener *stalling = listener_start(&(ListenerScript){
        .replies = {listener_welcome(arena, "15.3")}, .reply_count = 1, .ending = LISTENER_HOLDS});
    const char *dsn = arena_printf(arena, "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable",
                                   listener_port(stalling));
    int64_t start = clock_monotonic_ms();
    Error error = test_failed_connect(dsn, &quick);
    assert_true(clock_monotonic_ms() - start < 20000);
    assert_int_equal(error.code, ERROR_TIMEOUT);
    listener_stop(stalling);
}

static void
a_server_that_refuses_lc_monetary_is_used_without(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text refusal = text_new(arena);
    listener_error(&refusal, "ERROR", "22023", "invalid value for parameter \"lc_monetary\": \"C\"");
    listener_message(&refusal, 'Z', "I", 1);
    ListenerScript script = {
        .replies = {listener_welcome(arena, "15.3"), refusal, listener_done(arena, "SET")}, .reply_count = 3};
    Listener *strict = listener_start(&script);
    const char *dsn =
        arena_printf(arena, "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable", listener_port(strict));
    pg_connection_close(open_or_fail(dsn, &target));
    listener_stop(strict);
}

static void
an_old_server_is_refused_with_its_version(void **state)
{
    (void)state;
    static const char *const versions[][2] = {
        {"12.4", "PostgreSQL 12.4;"}, {"9.6.24", "PostgreSQL 9.6;"}, {"10.23 (Ubuntu)", "PostgreSQL 10.23;"}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(versions); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        Listener *old = listener_start(
            &(ListenerScript){.replies = {listener_welcome(arena, versions[i][0])}, .reply_count = 1});
        const char *dsn =
            arena_printf(arena, "host=127.0.0.1 port=%d user=x dbname=x sslmode=disable", listener_port(old));
        Error error = test_failed_connect(dsn, &target);
        assert_int_equal(error.code, ERROR_UNSUPPORTED);
        assert_contains(error.message, versions[i][1]);
        listener_stop(old);
    }
}

static void
an_application_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    char name[70] = {0};
    memset(name, 'x', sizeof(name) - 1);
    Error error =
        test_failed_connect(test_server_dsn(arena, "plain", "postgres", ""),
                            &(PgConnectOptions){.purpose = PG_PURPOSE_TARGET, .application_name = name});
    assert_int_equal(error.code, ERROR_USAGE);
}

static void
a_terminated_session_is_told_and_refuses_what_follows(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = open_or_fail(test_server_dsn(arena, "plain", "postgres", ""), &target);
    test_server_run(
        arena_printf(arena, "SELECT pg_terminate_backend(%d, 5000)", pg_connection_backend_pid(connection)));
    Error error = {0};
    assert_false(pg_execute(connection, "SELECT 1", &error));
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_string_equal(error.sqlstate, "57P01");
    assert_contains(error.message, "terminating connection");
    assert_contains(error.hint, "terminated the backend");
    assert_true(pg_connection_is_broken(connection));
    assert_false(pg_execute(connection, "SELECT 1", &error));
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_contains(error.message, "lost by an earlier failure");
}

static void
a_server_that_is_stopped_in_mid_read_ends_at_the_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at)
    PgConnection *connection = open_or_fail(test_server_dsn(arena, "postgres", "postgres", ""), &target);
    pid_t backend = pg_connection_backend_pid(connection);
    assert_int_equal(kill(backend, SIGSTOP), 0);
    assert_int_equal(kill(test_server_process(), SIGSTOP), 0);
    int64_t start = clock_monotonic_ms();
    Error error = {0};
    bool good = pg_query(connection,
                         &(PgQuery){.text = "SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
                                    .deadline = deadline_after_ms(300)},
                         NULL, &error);
    int64_t took = clock_monotonic_ms() - start;
    kill(test_server_process(), SIGCONT);
    kill(backend, SIGCONT);
    assert_false(good);
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_true(took < 15000);
    assert_true(pg_connection_is_broken(connection));
}

static void
an_idle_session_is_quiet_until_the_server_ends_it(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *idle = test_server_connect();
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *other = test_server_connect();
    assert_true(pg_connection_is_quiet(idle));
    char *end = arena_printf(arena, "SELECT pg_terminate_backend(%d, 5000)", pg_connection_backend_pid(idle));
    assert_string_equal(test_server_value(arena, other, end), "t");
    assert_false(pg_connection_is_quiet(idle));
    Error error = {0};
    assert_false(pg_execute(idle, "SELECT 1", &error));
    assert_false(pg_connection_is_quiet(idle));
    assert_true(pg_connection_is_quiet(other));
}

static void
a_sessions_deadline_ends_calls_that_have_a_later_one(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    PgQuery query = {.text = "SELECT pg_sleep(60)", .deadline = deadline_after_ms(60000)};
    Error error = {0};
    pg_connection_set_deadline(connection, deadline_after_ms(50));
    int64_t start = clock_monotonic_ms();
    assert_false(pg_query(connection, &query, NULL, &error));
    assert_int_equal(error.code, ERROR_TIMEOUT);
    assert_true(clock_monotonic_ms() - start < 30000);
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *lifted = test_server_connect();
    pg_connection_set_deadline(lifted, deadline_after_ms(0));
    pg_connection_set_deadline(lifted, 0);
    error = (Error){0};
    assert_true(pg_execute(lifted, "SELECT 1", &error));
}

static void
bytes_of_rows_are_counted_as_they_are_read(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    int64_t before = pg_connection_bytes_received(connection);
    PgResult *result = NULL;
    assert_true(pg_query_simple(connection, "SELECT repeat('x', 100000) FROM generate_series(1, 3)", &result,
                                &error));
    pg_result_free(result);
    int64_t received = pg_connection_bytes_received(connection) - before;
    assert_true(received >= 300000 && received < 310000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_session_is_read_only_and_bounded),
        cmocka_unit_test(a_session_is_set_up_in_one_round_trip),
        cmocka_unit_test(an_own_session_may_write_and_keeps_its_search_path),
        cmocka_unit_test(a_connection_tells_server_database_user_and_backend),
        cmocka_unit_test(a_password_from_the_string_is_used),
        cmocka_unit_test(closing_nothing_is_allowed),
        cmocka_unit_test(a_host_that_refuses_is_passed_over_for_the_next),
        cmocka_unit_test(a_host_that_swallows_packets_is_passed_over_for_the_next),
        cmocka_unit_test(a_host_that_swallows_packets_ends_at_the_deadline),
        cmocka_unit_test(a_server_that_accepts_and_stays_silent_ends_at_the_deadline),
        cmocka_unit_test(a_server_that_stalls_in_the_set_up_ends_at_the_connect_deadline),
        cmocka_unit_test(a_server_that_refuses_lc_monetary_is_used_without),
        cmocka_unit_test(an_old_server_is_refused_with_its_version),
        cmocka_unit_test(an_application_name_that_is_too_long_is_refused),
        cmocka_unit_test(a_terminated_session_is_told_and_refuses_what_follows),
        cmocka_unit_test(a_server_that_is_stopped_in_mid_read_ends_at_the_deadline),
        cmocka_unit_test(an_idle_session_is_quiet_until_the_server_ends_it),
        cmocka_unit_test(a_sessions_deadline_ends_calls_that_have_a_later_one),
        cmocka_unit_test(bytes_of_rows_are_counted_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
