// SPDX-License-Identifier: PostgreSQL
#include "api/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
// cmocka needs those above
#include <cmocka.h>

static void
fields_have_the_kind_they_were_sent_with(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":\"x\",\"b\":9223372036854775807,\"c\":1.5,\"d\":true,\"e\":[1,\"y\"],\"f\":{},\"g\":null}";
    Body *body;
    Error error = {0};
    assert_true(body_parse(text, strlen(text), &body, &error));
    assert_string_equal(body_field(body, "a").text, "x");
    assert_int_equal(body_field(body, "b").integer, INT64_MAX);
    assert_true(body_field(body, "c").real == 1.5);
    assert_true(body_field(body, "d").boolean);
    BodyValue list = body_field(body, "e");
    assert_int_equal(list.kind, BODY_LIST);
    assert_int_equal(list.count, 2);
    assert_string_equal(body_item(&list, 1).text, "y");
    assert_int_equal(body_field(body, "f").kind, BODY_OBJECT);
    assert_int_equal(body_field(body, "g").kind, BODY_ABSENT);
    assert_int_equal(body_field(body, "h").kind, BODY_ABSENT);
    assert_int_equal(body_field(NULL, "a").kind, BODY_ABSENT);
    body_free(body);
}

static void
an_object_is_text_again(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":{\"mean\":0.1,\"calls\":9223372036854775807,\"n\":null,\"l\":[\"\u00e9\"]}}";
    Body *body;
    Error error = {0};
    Arena *arena = arena_new("body test", 65536);
    assert_true(body_parse(text, strlen(text), &body, &error));
    BodyValue value = body_field(body, "a");
    assert_true(body_value_field(&value, "mean").real == 0.1);
    assert_int_equal(body_value_field(&value, "calls").kind, BODY_INT);
    assert_int_equal(body_value_field(&value, "n").kind, BODY_ABSENT);
    assert_int_equal(body_value_field(&value, "a").kind, BODY_ABSENT);
    assert_string_equal(
        body_value_json(arena, &value),
        "{\"mean\":0.10000000000000001,\"calls\":9223372036854775807,\"n\":null,\"l\":[\"\u00e9\"]}");
    body_free(body);
    arena_free(arena);
}

static void
what_is_no_sound_object_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "[]",
                                      "1",
                                      "{",
                                      "{}x",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":9223372036854775808}",
                                      "{\"a\":1e999}",
                                      "{'a':1}"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++) {
        Body *body = NULL;
        Error error = {0};
        assert_false(body_parse(bad[i], strlen(bad[i]), &body, &error));
        assert_int_equal(error.code, ERROR_INPUT);
    }
}

static void
nesting_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    static char text[200000];
    memset(text, '[', sizeof(text));
    memcpy(text, "{\"a\":", 5);
    Body *body = NULL;
    Error error = {0};
    assert_false(body_parse(text, sizeof(text), &body, &error));
    assert_false(body_is_json("[1"));
    assert_true(body_is_json("[1]"));
    assert_true(body_is_json("null"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_kind_they_were_sent_with),
        cmocka_unit_test(an_object_is_text_again),
        cmocka_unit_test(what_is_no_sound_object_is_refused),
        cmocka_unit_test(nesting_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
