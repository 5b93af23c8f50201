// SPDX-License-Identifier: PostgreSQL
/*
 * Each way to fail has a code, a message and a hint of its own, and no password in any of them.
 */
#include "listener.h"
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const PgConnectOptions target = {.purpose = PG_PURPOSE_TARGET};

typedef struct RefusalCase {
    const char *user;
    const char *database;
    const char *more;
    ErrorCode code;
    const char *sqlstate;
    const char *message;
    const char *hint;
} RefusalCase;

static void
a_refusal_of_the_server_has_its_code_and_hint(void **state)
{
    (void)state;
    static const RefusalCase cases[] = {
        {"careful", "postgres", "password=wr0ngpass", ERROR_AUTHENTICATION, "28P01",
         "password authentication failed", ".pgpass"},
        {"careful", "postgres", "passfile=/dev/null", ERROR_AUTHENTICATION, "", "no password supplied",
         "PGPASSWORD"},
        {"locked_out", "postgres", "", ERROR_AUTHENTICATION, "28000", "no pg_hba.conf entry", "pg_hba.conf"},
        {"plain", "nosuch", "", ERROR_NOT_FOUND, "3D000", "database \"nosuch\" does not exist", "psql -l"},
        {"plain", "closed", "", ERROR_PERMISSION, "42501", "permission denied for database", "GRANT CONNECT"},
        {"crowded", "postgres", "", ERROR_CONNECTION, "53300", "too many connections",
         "free connection slot"},
        {"plain", "postgres", "sslmode=bogus", ERROR_USAGE, "", "sslmode", "options"},
        {"plain", "postgres", "port=99999", ERROR_USAGE, "", "port", "65535"},
        {"plain", "postgres", "service=nosuch", ERROR_INPUT, "", "nosuch", "service file"},
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        Error error = test_failed_connect(
            test_server_dsn(arena, cases[i].user, cases[i].database, cases[i].more), &target);
        assert_contains(error.message, cases[i].message);
        assert_contains(error.message, "could not connect: ");
        assert_contains(error.hint, cases[i].hint);
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.sqlstate, cases[i].sqlstate);
        assert_error_without(&error, "wr0ngpass");
        assert_error_without(&error, "LOCATION");
    }
}

static void
an_unknown_role_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    test_server_run("ALTER ROLE plain RENAME TO plain_once");
    Error error = test_failed_connect(test_server_dsn(arena, "plain", "postgres", ""), &target);
    test_server_run("ALTER ROLE plain_once RENAME TO plain");
    assert_int_equal(error.code, ERROR_AUTHENTICATION);
    assert_string_equal(error.sqlstate, "28000");
    assert_contains(error.hint, "user name");
}

static void
nobody_there_is_told_with_address(void **state)
{
    (void)state;
    Error error = test_failed_connect("host=127.0.0.1 port=1 user=x dbname=x password=s3cr3tpass", &target);
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_contains(error.message, "127.0.0.1");
    assert_contains(error.message, "port 1 ");
    assert_contains(error.message, "Connection refused");
    assert_contains(error.hint, "is the server running");
    assert_contains(error.hint, "pg_isready");
    error = test_failed_connect("host=/nowhere/at/all user=x dbname=x", &target);
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_contains(error.message, "/nowhere/at/all");
    assert_contains(error.hint, "socket directory");
    error = test_failed_connect("host=127.0.0.1,127.0.0.1 port=1,2 user=x dbname=x", &target);
    assert_contains(error.message, "port 1 ");
    assert_contains(error.message, "; connection to server");
    assert_contains(error.message, "port 2 ");
}

/* The error of connecting to what answers with these bytes. */
static Error
error_of_answer(Arena *arena, Text answer, bool speaks_first, const char *more)
{
    Listener *listener = listener_start(&(ListenerScript){
        .replies = {answer}, .reply_count = 1, .ending = LISTENER_CLOSES, .speaks_first = speaks_first});
    const char *dsn =
        arena_printf(arena, "host=127.0.0.1 port=%d user=me dbname=x %s", listener_port(listener), more);
    Error error = test_failed_connect(dsn, &target);
    listener_stop(listener);
    return error;
}

static void
what_is_not_postgresql_is_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        size_t length;
        bool speaks_first;
    } cases[] = {{"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47, false},
                 {"J\0\0\0\n8.0.36\0\1\0\0\0abcdefgh\0\xff\xf7\xff", 29, true},
                 {"SSH-2.0-OpenSSH_9.2\r\n", 21, true},
                 {"-ERR unknown command\r\n", 22, false},
                 {"\0\0\0\0\0\0\0\0\0\0", 10, false},
                 {"RRRRRRRRRRRR", 12, false},
                 {"N\xff\xff\xff\xff\xff\xff", 7, false},
                 {"EHLO smtp.example 250\r\n", 23, true}};
    static const char *const modes[] = {"sslmode=disable", "sslmode=prefer", "sslmode=require"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases) * FETTLE_COUNT_OF(modes); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        size_t which = i / FETTLE_COUNT_OF(modes);
        Text answer = text_new(arena);
        text_append_bytes(&answer, cases[which].answer, cases[which].length);
        Error error =
            error_of_answer(arena, answer, cases[which].speaks_first, modes[i % FETTLE_COUNT_OF(modes)]);
        assert_int_equal(error.code, ERROR_CONNECTION);
        assert_true(error.hint[0] != '\0');
        assert_true(text_is_valid_utf8(error.message, strlen(error.message)));
    }
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Error error = error_of_answer(arena, listener_text(arena, "HTTP/1.1 400 Bad Request\r\n\r\n"), false, "");
    assert_contains(error.hint, "not as a PostgreSQL server");
}

static void
a_peer_that_hangs_up_at_once_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Error error = error_of_answer(arena, text_new(arena), false, "sslmode=disable");
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_contains(error.hint, "closed the connection");
}

static void
missing_tls_is_told(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Error error = error_of_answer(arena, listener_text(arena, "N"), false, "sslmode=require");
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_contains(error.message, "SSL");
    assert_contains(error.hint, "sslmode");
}

static void
a_server_that_starts_up_is_told_in_any_language(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text answer = text_new(arena);
    listener_error(&answer, "FATAL", "57P03", "das Datenbanksystem startet");
    Error error = error_of_answer(arena, answer, false, "sslmode=disable");
    assert_int_equal(error.code, ERROR_CONNECTION);
    assert_string_equal(error.sqlstate, "57P03");
    assert_contains(error.message, "das Datenbanksystem startet");
    assert_contains(error.hint, "try again in a moment");
    answer = text_new(arena);
    listener_error(&answer, "СБОЙ", "28P01", "пользователь не прошёл проверку подлинности");
    error = error_of_answer(arena, answer, false, "sslmode=disable");
    assert_int_equal(error.code, ERROR_AUTHENTICATION);
    assert_contains(error.hint, "PGPASSWORD");
}

static void
a_hostile_text_is_tamed(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text answer = text_new(arena);
    listener_error(&answer, "FATAL", "XX000", "\x1b[2J red \x07 \xff\xfe\n second line");
    Error error = error_of_answer(arena, answer, false, "sslmode=disable");
    assert_true(text_is_valid_utf8(error.message, strlen(error.message)));
    for (const char *at = error.message; *at != '\0'; at++)
        assert_true((unsigned char)*at >= ' ' && *at != 0x7F);
    char *long_text = arena_alloc(arena, 25001);
    for (int i = 0; i < 25000; i += 2)
        memcpy(long_text + i, "é", 2);
    answer = text_new(arena);
    listener_error(&answer, "FATAL", "XX000", long_text);
    error = error_of_answer(arena, answer, false, "sslmode=disable");
    assert_true(strlen(error.message) < 1000);
    assert_true(text_is_valid_utf8(error.message, strlen(error.message)));
}

static void
a_password_that_the_server_repeats_is_blanked(void **state)
{
    (void)state;
    static const char *const echoes[] = {TEST_PASSWORD, TEST_PASSWORD_ENCODED, "for_the_key", "two  spaces"};
    static const char *const marks[] = {"s3cr3t", "s3cr3t", "for_the_key", "two"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(echoes); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        Text answer = text_new(arena);
        listener_error(&answer, "FATAL", "28P01", arena_printf(arena, "the words were \"%s\"", echoes[i]));
        Listener *listener = listener_start(
            &(ListenerScript){.replies = {answer}, .reply_count = 1, .ending = LISTENER_CLOSES});
        const char *password = i == 3 ? "two%20%20spaces" : TEST_PASSWORD_ENCODED;
        Error error = test_failed_connect(
            arena_printf(arena, "postgres://me:%s@127.0.0.1:%d/x?sslmode=disable&sslpassword=for_the_key",
                         password, listener_port(listener)),
            &target);
        listener_stop(listener);
        assert_contains(error.message, "the words were \"***\"");
        assert_error_without(&error, marks[i]);
    }
}

static void
a_password_of_environment_or_password_file_is_blanked(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Text answer = text_new(arena);
    listener_error(&answer, "FATAL", "28P01", "the words were \"fr0mout5ide\"");
    assert_int_equal(setenv("PGPASSWORD", "fr0mout5ide", 1), 0);
    Error error = error_of_answer(arena, answer, false, "sslmode=disable");
    assert_int_equal(unsetenv("PGPASSWORD"), 0);
    assert_error_without(&error, "fr0mout5ide");
    char path[] = "/tmp/fettle-unit-pass-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    static const char line[] = "*:*:*:me:fr0mout5ide\n";
    assert_int_equal(write(file, line, sizeof(line) - 1), sizeof(line) - 1);
    close(file);
    error = error_of_answer(arena, answer, false, arena_printf(arena, "sslmode=disable passfile=%s", path));
    unlink(path);
    assert_contains(error.message, "***");
    assert_error_without(&error, "fr0mout5ide");
}

static void
a_string_that_is_misread_is_refused_without_its_password(void **state)
{
    (void)state;
    static const char *const strings[] = {"postgres://me:s3cr3t@s3cr3t@127.0.0.1:1/db",
                                          "postgres://me:s3cr3t/s3cr3t@127.0.0.1:1/db",
                                          "postgres://me:12/s3cr3t@127.0.0.1:1/db",
                                          "postgres://me:s3cr3t",
                                          "postgres://me:s3cr3t@[::1/db",
                                          "postgres://me:s3cr3t%zz@127.0.0.1/db",
                                          "postgres://me:s3cr3t%00@127.0.0.1/db",
                                          "postgres://me@127.0.0.1/db?password:s3cr3t",
                                          "postgres://me@127.0.0.1/db?s3cr3t=1",
                                          "postgres://me@127.0.0.1/db?password=s3cr3t=s3cr3t",
                                          "postgres://me@[]:1/s3cr3t",
                                          "postgres://me@[::1]s3cr3t/db",
                                          "host=127.0.0.1 password=my s3cr3t user=x",
                                          "host=127.0.0.1 password='s3cr3t",
                                          "host=127.0.0.1 s3cr3t=1",
                                          "s3cr3t",
                                          "host=127.0.0.1 password = s3cr3t s3cr3t",
                                          "postgres://s3cr3t:s3cr3t:s3cr3t:s3cr3t",
                                          "postgres://me:p?s3cr3t@s3cr3t?s3cr3t@h/db",
                                          "postgres://me:s3cr3t#@127.0.0.1:s3cr3t/db"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(strings); i++) {
        Error error = test_failed_connect(strings[i], &target);
        assert_int_equal(error.code, ERROR_USAGE);
        assert_contains(error.message, "connection string cannot be read: ");
        assert_error_without(&error, "s3cr3t");
        assert_contains(error.hint, "postgres://user@host");
    }
}

typedef struct StatementCase {
    const char *sqlstate;
    ErrorCode code;
    bool breaks;
} StatementCase;

static void
a_failed_statement_has_the_code_of_its_sqlstate(void **state)
{
    (void)state;
    static const StatementCase cases[] = {
        {"53100", ERROR_DISK_FULL, false},   {"57014", ERROR_TIMEOUT, false},
        {"55P03", ERROR_TIMEOUT, false},     {"25P03", ERROR_TIMEOUT, true},
        {"25P04", ERROR_TIMEOUT, true},      {"25006", ERROR_PERMISSION, false},
        {"42501", ERROR_PERMISSION, false},  {"57P01", ERROR_CONNECTION, true},
        {"57P02", ERROR_CONNECTION, true},   {"57P03", ERROR_CONNECTION, true},
        {"57P05", ERROR_CONNECTION, true},   {"08006", ERROR_CONNECTION, true},
        {"40001", ERROR_CONFLICT, false},    {"42P01", ERROR_QUERY, false},
        {"22021", ERROR_UNSUPPORTED, false}, {"22P05", ERROR_INPUT, false},
        {"XX000", ERROR_QUERY, false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
        Text failure = text_new(arena);
        listener_error(&failure, "ERROR", cases[i].sqlstate, "es ging schief.\n Ganz und gar.");
        listener_message(&failure, 'Z', "I", 1);
        Listener *listener = listener_start(&(ListenerScript){
            .replies = {listener_welcome(arena, "16.2"), listener_done(arena, "SET"), failure},
            .reply_count = 3});
        PgConnection *connection = NULL;
        Error error = {0};
        assert_true(pg_connection_open(
            arena_printf(arena, "host=127.0.0.1 port=%d user=x sslmode=disable", listener_port(listener)),
            &target, &connection, &error));
        assert_false(pg_execute(connection, "SELECT 1", &error));
        assert_int_equal(error.code, cases[i].code);
        assert_string_equal(error.sqlstate, cases[i].sqlstate);
        assert_string_equal(error.message, "es ging schief. Ganz und gar");
        assert_int_equal(pg_connection_is_broken(connection), cases[i].breaks);
        pg_connection_close(connection);
        listener_stop(listener);
    }
}

static void
a_hint_of_the_server_is_passed_on(void **state)
{
    (void)state;
    FETTLE_CLEANUP(pg_connection_close_at) PgConnection *connection = test_server_connect();
    Error error = {0};
    assert_false(pg_execute(connection, "SELECT lenght('x')", &error));
    assert_int_equal(error.code, ERROR_QUERY);
    assert_string_equal(error.sqlstate, "42883");
    assert_contains(error.message, "function lenght(unknown) does not exist");
    assert_contains(error.hint, "No function matches");
    assert_false(pg_connection_is_broken(connection));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_of_the_server_has_its_code_and_hint),
        cmocka_unit_test(an_unknown_role_is_told),
        cmocka_unit_test(nobody_there_is_told_with_address),
        cmocka_unit_test(what_is_not_postgresql_is_recognised),
        cmocka_unit_test(a_peer_that_hangs_up_at_once_is_told),
        cmocka_unit_test(missing_tls_is_told),
        cmocka_unit_test(a_server_that_starts_up_is_told_in_any_language),
        cmocka_unit_test(a_hostile_text_is_tamed),
        cmocka_unit_test(a_password_that_the_server_repeats_is_blanked),
        cmocka_unit_test(a_password_of_environment_or_password_file_is_blanked),
        cmocka_unit_test(a_string_that_is_misread_is_refused_without_its_password),
        cmocka_unit_test(a_failed_statement_has_the_code_of_its_sqlstate),
        cmocka_unit_test(a_hint_of_the_server_is_passed_on),
    };
    return cmocka_run_group_tests(tests, test_server_start, test_server_stop);
}
