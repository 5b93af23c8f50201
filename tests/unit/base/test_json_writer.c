// SPDX-License-Identifier: PostgreSQL
#include "../death.h"
#include "../json_read.h"

#include "base/json_writer.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

static void
commas_and_nesting_are_kept_by_the_writer(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    static const char *const wanted[] = {
        "{\"a\":1,\"b\":[true,null,\"x\",[],{}],\"c\":2.5,\"d\":false,\"e\":\"y\",\"f\":null,\"g\":[[1],[2]]"
        "}",
        "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null,\n    \"x\",\n    [],\n    {}\n  ],\n  \"c\": 2.5,\n"
        "  \"d\": false,\n  \"e\": \"y\",\n  \"f\": null,\n  \"g\": [\n    [\n      1\n    ],\n    [\n      "
        "2\n    ]\n  ]\n}"};
    for (int indented = 0; indented < 2; indented++) {
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, indented == 1);
        json_object_begin(&json);
        json_key_int(&json, "a", 1);
        json_key(&json, "b");
        json_array_begin(&json);
        json_bool(&json, true);
        json_write_null(&json);
        json_write_string(&json, "x");
        json_array_begin(&json);
        json_array_end(&json);
        json_object_begin(&json);
        json_object_end(&json);
        json_array_end(&json);
        json_key_double(&json, "c", 2.5);
        json_key_bool(&json, "d", false);
        json_key_string(&json, "e", "y");
        json_key_string(&json, "f", NULL);
        json_key(&json, "g");
        json_array_begin(&json);
        for (int i = 1; i <= 2; i++) {
            json_array_begin(&json);
            json_int(&json, i);
            json_array_end(&json);
        }
        json_array_end(&json);
        json_object_end(&json);
        assert_string_equal(text.data, wanted[indented]);
    }
}

static void
a_character_to_escape_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"\"\\\n\r\t", "\"\\\"\\\\\\n\\r\\t\""},
                                           {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
                                           {"é\"", "\"é\\\"\""},
                                           {"é\n!", "\"é\\n!\""},
                                           {"€\\", "\"€\\\\\""},
                                           {"é\"ü\"", "\"é\\\"ü\\\"\""},
                                           {"😀\"", "\"😀\\\"\""},
                                           {"/", "\"/\""},
                                           {"", "\"\""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, false);
        json_write_string(&json, cases[i][0]);
        assert_string_equal(text.data, cases[i][1]);
    }
}

static void
invalid_utf8_becomes_the_replacement_character(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"\xff", "�"},
                                           {"a\xc3", "a�"},
                                           {"\xc3(", "�("},
                                           {"\xe2\x82", "��"},
                                           {"\xed\xa0\x80", "���"},
                                           {"\xc0\xaf", "��"},
                                           {"\xf5\x80", "��"},
                                           {"\xf0\x9f\x98", "���"},
                                           {"é\xff\"é", "é�\\\"é"},
                                           {"\x80"
                                            "x",
                                            "�x"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, false);
        json_write_string(&json, cases[i][0]);
        assert_string_equal(text.data, arena_printf(arena, "\"%s\"", cases[i][1]));
    }
}

/* A strict reader must give back every text: itself when it is valid, else valid text in its place. */
static void
any_bytes_give_json_that_reads_back(void **state)
{
    (void)state;
    static const char *const pieces[] = {"\"",   "\\", "é",    "€",    "😀",    "\n",
                                         "\x01", "a",  "\xff", "\xc3", "\x80", "/"};
    Random random = random_new(9);
    for (int round = 0; round < 5000; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        Text value = text_new(arena);
        for (uint64_t left = random_below(&random, 12); left > 0; left--)
            text_append(&value, pieces[random_below(&random, FETTLE_COUNT_OF(pieces))]);
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, random_below(&random, 2) == 0);
        json_object_begin(&json);
        json_key_string(&json, value.data, value.data);
        json_object_end(&json);
        const char *key, *back;
        json_read_member(arena, &text, &key, &back);
        assert_string_equal(key, back);
        if (text_is_valid_utf8(value.data, value.length))
            assert_string_equal(back, value.data);
    }
}

static void
doubles_read_back_as_the_same(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Random random = random_new(10);
    double values[] = {
        0, -0.0, 0.1, 1.0 / 3, 1e22, 1e-300, DBL_MIN, DBL_MAX, -DBL_MAX, DBL_TRUE_MIN, 123456789012345678.0};
    for (int i = 0; i < 20000; i++) {
        double value;
        uint64_t bits = random_next(&random);
        memcpy(&value, &bits, sizeof(value));
        if (i < (int)FETTLE_COUNT_OF(values))
            value = values[i];
        ArenaMark mark = arena_mark(arena);
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, false);
        json_double(&json, value);
        if (isfinite(value)) {
            double back;
            assert_true(text_parse_double(text.data, &back) && back == value);
            json_read_check(&text);
        } else {
            assert_string_equal(text.data, "null");
        }
        arena_rewind(arena, mark);
    }
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_double(&json, 0.1);
    assert_string_equal(text.data, "0.1");
}

static void
what_is_no_number_becomes_null(void **state)
{
    (void)state;
    static const double values[] = {NAN, INFINITY, -INFINITY};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(values); i++) {
        Text text = text_new(arena);
        JsonWriter json = json_writer_new(&text, false);
        json_double(&json, values[i]);
        assert_string_equal(text.data, "null");
    }
}

static void
whole_numbers_are_exact_to_their_ends(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_array_begin(&json);
    json_int(&json, INT64_MIN);
    json_int(&json, INT64_MAX);
    json_array_end(&json);
    assert_string_equal(text.data, "[-9223372036854775808,9223372036854775807]");
}

static void
nest(void *levels)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    for (int i = 0; i < *(int *)levels; i++)
        json_array_begin(&json);
    for (int i = 0; i < *(int *)levels; i++)
        json_array_end(&json);
    json_read_check(&text);
}

static void
nesting_has_a_limit(void **state)
{
    (void)state;
    int levels = JSON_WRITER_DEPTH_MOST;
    nest(&levels);
    levels++;
    assert_dies(nest, &levels, "JSON_WRITER_DEPTH_MOST");
}

/* The letters are calls in turn: { } [ ] of containers, k a key, v a value. */
static void
play(void *calls)
{
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    for (const char *at = calls; *at != '\0'; at++) {
        switch (*at) {
            case '{': json_object_begin(&json); break;
            case '}': json_object_end(&json); break;
            case '[': json_array_begin(&json); break;
            case ']': json_array_end(&json); break;
            case 'k': json_key(&json, "k"); break;
            default: json_int(&json, 1);
        }
    }
}

static void
what_would_not_be_json_is_a_bug(void **state)
{
    (void)state;
    static const char *const wrong[] = {"k",  "[k", "{v", "{kk",  "{k}", "{]",
                                        "[}", "}",  "]",  "{kv]", "{{",  "{kvv"};
    static const char *const right[] = {"v", "{}", "[]", "[v[]v{}]", "{kv}", "{k{kvkv}k[vv]}"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wrong); i++)
        assert_dies(play, (void *)(uintptr_t)wrong[i], "does not hold in json_");
    for (size_t i = 0; i < FETTLE_COUNT_OF(right); i++)
        play((void *)(uintptr_t)right[i]);
}

static void
a_value_that_is_json_already_stands_where_a_value_stands(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    JsonWriter json = json_writer_new(&text, false);
    json_object_begin(&json);
    json_key(&json, "a");
    json_raw(&json, "{\"b\": [1, null]}");
    json_key(&json, "c");
    json_array_begin(&json);
    json_raw(&json, "true");
    json_raw(&json, "2");
    json_array_end(&json);
    json_object_end(&json);
    assert_string_equal(text.data, "{\"a\":{\"b\": [1, null]},\"c\":[true,2]}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_nesting_are_kept_by_the_writer),
        cmocka_unit_test(a_character_to_escape_is_escaped_wherever_it_stands),
        cmocka_unit_test(invalid_utf8_becomes_the_replacement_character),
        cmocka_unit_test(any_bytes_give_json_that_reads_back),
        cmocka_unit_test(doubles_read_back_as_the_same),
        cmocka_unit_test(what_is_no_number_becomes_null),
        cmocka_unit_test(whole_numbers_are_exact_to_their_ends),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(what_would_not_be_json_is_a_bug),
        cmocka_unit_test(a_value_that_is_json_already_stands_where_a_value_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
