// SPDX-License-Identifier: PostgreSQL
#include "api/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka needs those above
#include <cmocka.h>

static Uri
parse(Arena *arena, const char *text)
{
    Uri uri;
    uri_parse(arena, text, strlen(text), &uri);
    return uri;
}

static void
segments_are_decoded_each_by_itself(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Uri uri = parse(arena, "/api/%71ueries/a%2Fb/+%20?x");
    assert_true(uri.is_path);
    assert_int_equal(uri.segment_count, 4);
    assert_string_equal(uri.segments[1], "queries");
    assert_string_equal(uri.segments[2], "a/b");
    assert_string_equal(uri.segments[3], "+ ");
}

static void
a_segment_that_cannot_be_decoded_is_null_and_the_others_stand(void **state)
{
    (void)state;
    static const char *const bad[] = {"/a/%/c",   "/a/%2/c",  "/a/%zz/c",      "/a/%00/c",
                                      "/a/%ff/c", "/a/%c3/c", "/a/%ed%a0%80/c"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        Uri uri = parse(arena, bad[i]);
        assert_true(uri.is_path);
        assert_int_equal(uri.segment_count, 3);
        assert_null(uri.segments[1]);
        assert_string_equal(uri.segments[2], "c");
    }
}

static void
what_does_not_begin_with_a_slash_or_is_too_deep_is_no_path(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    assert_false(parse(arena, "").is_path);
    assert_false(parse(arena, "*").is_path);
    assert_false(parse(arena, "http://x/").is_path);
    assert_false(parse(arena, "/1/2/3/4/5/6/7/8/9/10/11/12/13").is_path);
    assert_true(parse(arena, "/1/2/3/4/5/6/7/8/9/10/11/12").is_path);
}

static void
parameters_are_decoded_and_counted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    Uri uri = parse(arena, "/x?a=1+2%2B&&b&c=d=e&%61=again#z=1");
    bool is_repeated;
    assert_true(uri.is_query_valid);
    assert_int_equal(uri.parameter_count, 4);
    assert_string_equal(uri_parameter(&uri, "a", &is_repeated), "1 2+");
    assert_true(is_repeated);
    assert_string_equal(uri_parameter(&uri, "b", &is_repeated), "");
    assert_false(is_repeated);
    assert_string_equal(uri_parameter(&uri, "c", &is_repeated), "d=e");
    assert_null(uri_parameter(&uri, "z", &is_repeated));
}

static void
a_query_with_a_bad_escape_or_too_many_parameters_is_not_valid(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    assert_false(parse(arena, "/x?a=%zz").is_query_valid);
    assert_false(parse(arena, "/x?%00=1").is_query_valid);
    assert_false(parse(arena, "/x?a=%ff").is_query_valid);
    Text text = text_new(arena);
    text_append(&text, "/x?");
    for (int i = 0; i <= URI_PARAMETERS_MOST; i++)
        text_append(&text, "a=1&");
    assert_false(parse(arena, text.data).is_query_valid);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_decoded_each_by_itself),
        cmocka_unit_test(a_segment_that_cannot_be_decoded_is_null_and_the_others_stand),
        cmocka_unit_test(what_does_not_begin_with_a_slash_or_is_too_deep_is_no_path),
        cmocka_unit_test(parameters_are_decoded_and_counted),
        cmocka_unit_test(a_query_with_a_bad_escape_or_too_many_parameters_is_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
