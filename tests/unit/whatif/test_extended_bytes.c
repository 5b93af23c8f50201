// SPDX-License-Identifier: PostgreSQL
#include "whatif/extended_bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Texts and bytes as a server of major 16 printed and stored them. */
static void
ndistinct_is_what_the_server_stores(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bytes", 1 << 20);
    assert_string_equal(
        extended_ndistinct_bytes(arena, "{\"1, 2\": 100, \"1, 3\": 700, \"2, 3\": 70, \"1, 2, 3\": 700}"),
        "\\xa4bf52a30100000004000000000000000000594002000000010002000000000000e085400200000001000300000000000"
        "080"
        "514002000000020003000000000000e0854003000000010002000300");
}

static void
expressions_have_negative_numbers(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bytes", 1 << 20);
    assert_string_equal(extended_ndistinct_bytes(arena, "{\"1, -1\": 700}"),
                        "\\xa4bf52a301000000010000000000000000e08540020000000100ffff");
}

static void
dependencies_are_what_the_server_stores(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bytes", 1 << 20);
    assert_string_equal(
        extended_dependencies_bytes(arena, "{\"1 => 2\": 1.000000, \"1, 3 => 2\": 1.000000}"),
        "\\x2c9a54b40100000002000000000000000000f03f020001000200000000000000f03f0300010003000200");
}

static void
what_is_no_such_text_gives_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "{",
                                        "{}",
                                        "{\"1\": 5}",
                                        "{\"1, 2\": }",
                                        "{\"1, 2\": nan}",
                                        "{\"1, 1\": 5}",
                                        "{\"0, 2\": 5}",
                                        "{\"1, 99999\": 5}",
                                        "{\"1, 2\": 5",
                                        "{\"1, 2\": 5} x",
                                        "{\"1, 2\": 5,}",
                                        "{\"1, 2, 3, 4, 5, 6, 7, 8, 9\": 5}",
                                        "{\"1, 2\" 5}"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("bytes", 1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(texts); i++)
        if (extended_ndistinct_bytes(arena, texts[i]) != NULL)
            fail_msg("taken: %s", texts[i]);
    assert_null(extended_ndistinct_bytes(arena, NULL));
    assert_null(extended_ndistinct_bytes(arena, "{\"1 => 2\": 1}"));
    assert_null(extended_dependencies_bytes(arena, "{\"1, 2\": 1}"));
    assert_null(extended_dependencies_bytes(arena, "{\"1 => 2 => 3\": 1}"));
    assert_null(extended_dependencies_bytes(arena, "{\"1 => 2, 3\": 1}"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ndistinct_is_what_the_server_stores),
                                       cmocka_unit_test(expressions_have_negative_numbers),
                                       cmocka_unit_test(dependencies_are_what_the_server_stores),
                                       cmocka_unit_test(what_is_no_such_text_gives_nothing)};
    return cmocka_run_group_tests_name("whatif extended_bytes", tests, NULL, NULL);
}
