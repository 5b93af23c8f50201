// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/query_text.h"

static const PgQueryText table[] = {{"sizes", 13, 999, "sizes of all"},
                                    {"data", 13, 13, "data of 13"},
                                    {"data", 14, 15, "data of 14 and 15"},
                                    {"data", 17, 999, "data since 17"},
                                    {NULL, 0, 0, NULL}};

static void
the_text_for_a_servers_major_is_found(void **state)
{
    (void)state;
    assert_string_equal(pg_query_text(table, "sizes", 13), "sizes of all");
    assert_string_equal(pg_query_text(table, "sizes", 999), "sizes of all");
    assert_string_equal(pg_query_text(table, "data", 13), "data of 13");
    assert_string_equal(pg_query_text(table, "data", 14), "data of 14 and 15");
    assert_string_equal(pg_query_text(table, "data", 15), "data of 14 and 15");
    assert_string_equal(pg_query_text(table, "data", 18), "data since 17");
}

static void
a_server_without_a_text_gets_none(void **state)
{
    (void)state;
    assert_null(pg_query_text(table, "data", 12));
    assert_null(pg_query_text(table, "data", 16));
    assert_null(pg_query_text(table, "sizes", 12));
    assert_null(pg_query_text(table, "size", 15));
    assert_null(pg_query_text(table, "", 15));
    assert_null(pg_query_text(table + 4, "data", 15));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_for_a_servers_major_is_found),
        cmocka_unit_test(a_server_without_a_text_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
