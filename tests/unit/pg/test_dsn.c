// SPDX-License-Identifier: PostgreSQL
#include "server.h"

#include "base/random.h"
#include "base/text.h"
#include "pg/connection_internal.h"

#include <stdlib.h>
#include <string.h>

static void
a_connection_string_is_told_from_a_files_name(void **state)
{
    (void)state;
    static const char *const strings[] = {"postgres://h/d", "postgresql://", "host=db",
                                          "service=prod",   "  host = db",   "dbname=x y=z",
                                          " postgres://",   "password='a b'"};
    static const char *const files[] = {
        "",   "shop.fettle", "/tmp/a=b",    "./host=x", "postgres:",      "Host=db",
        "=x", "-",           "mysql://h/d", "a-b=c",    "shop 1=2.fettle"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(strings); i++)
        if (!pg_dsn_looks_like(strings[i]))
            fail_msg("%s is taken for a file", strings[i]);
    for (size_t i = 0; i < FETTLE_COUNT_OF(files); i++)
        if (pg_dsn_looks_like(files[i]))
            fail_msg("%s is taken for a connection string", files[i]);
}

static void
a_description_has_who_and_where_and_no_secret(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"postgres://app:s3cr3t@db.example:5432/shop", "app@db.example:5432/shop"},
        {"postgres://app:s3cr3t@db.example/shop?sslpassword=s3cr3t&sslmode=require", "app@db.example/shop"},
        {"host=db user=app password='my s3cr3t' dbname=shop", "app@db/shop"},
        {"postgres://h1:1,h2:2/d", "h1,h2:1,2/d"},
        {"postgres://[::1]:5432/d", "::1:5432/d"},
        {"hostaddr=127.0.0.1 dbname=d", "127.0.0.1/d"},
        {"host=db hostaddr=127.0.0.1", "db"},
        {"service=prod password=s3cr3t", "service prod local"},
        {"dbname=shop", "local/shop"},
        {"", "local"},
        {"postgres://app%40x:s3cr3t@h/d%2Fe", "app@x@h/d/e"},
        {"user=x options='-c a=s3cr3t'", "x@local"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        if (!pg_dsn_check(cases[i][0], &error))
            fail_msg("%s: %s", cases[i][0], error.message);
        assert_string_equal(pg_dsn_describe(arena, cases[i][0]), cases[i][1]);
    }
}

/* A string inside dbname is expanded by libpq only when it connects: what stands there is described as it is.
 */
static void
a_secret_inside_the_databases_name_is_hidden(void **state)
{
    (void)state;
    static const char *const strings[] = {"dbname=postgres://me:s3cr3t@h/d",
                                          "dbname='host=h password=s3cr3t'",
                                          "postgres://h/postgres%3A%2F%2Fme%3As3cr3t%40h"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(strings); i++) {
        const char *description = pg_dsn_describe(arena, strings[i]);
        if (strstr(description, "s3cr3t") != NULL)
            fail_msg("%s", description);
    }
}

static void
a_misread_string_is_described_as_unreadable(void **state)
{
    (void)state;
    static const char *const strings[] = {"postgres://me:p@ss@h/d",
                                          "postgres://me:s3cr3t",
                                          "s3cr3t",
                                          "host='s3cr3t",
                                          "postgres://h/d?s3cr3t=1",
                                          "nosuch=s3cr3t",
                                          "postgres://me:1/s3cr3t@h/d"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(strings); i++) {
        Error error = {0};
        assert_string_equal(pg_dsn_describe(arena, strings[i]), "(unreadable connection string)");
        assert_false(pg_dsn_check(strings[i], &error));
        assert_int_equal(error.code, ERROR_USAGE);
        assert_contains(error.hint, "postgres://user@host:port/database");
        assert_error_without(&error, "s3cr3t");
        assert_error_without(&error, "p@ss");
    }
}

/* Any password, percent-encoded into a URI or quoted into a list, stays out of the description. */
static void
no_password_comes_through(void **state)
{
    (void)state;
    Random random = random_new(23);
    for (int round = 0; round < 3000; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        Text encoded = text_new(arena);
        Text quoted = text_new(arena);
        char password[13] = "";
        for (size_t i = 0; i < 12; i++) {
            password[i] = (char)(' ' + (int)random_below(&random, 95));
            text_append_format(&encoded, "%%%02X", (unsigned char)password[i]);
            if (password[i] == '\'' || password[i] == '\\')
                text_append_char(&quoted, '\\');
            text_append_char(&quoted, password[i]);
        }
        const char *const strings[] = {
            arena_printf(arena, "postgres://me:%s@h:1/d", encoded.data),
            arena_printf(arena, "postgres://me@h:1/d?password=%s", encoded.data),
            arena_printf(arena, "user=me host=h port=1 dbname=d password='%s'", quoted.data)};
        for (int i = 0; i < 3; i++)
            assert_string_equal(pg_dsn_describe(arena, strings[i]), "me@h:1/d");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_string_is_told_from_a_files_name),
        cmocka_unit_test(a_description_has_who_and_where_and_no_secret),
        cmocka_unit_test(a_secret_inside_the_databases_name_is_hidden),
        cmocka_unit_test(a_misread_string_is_described_as_unreadable),
        cmocka_unit_test(no_password_comes_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
