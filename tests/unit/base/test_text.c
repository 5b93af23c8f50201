// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "base/text.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
a_text_grows_and_always_ends_in_nul(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Text text = text_new(arena);
    assert_string_equal(text.data, "");
    static char wanted[200000];
    size_t length = 0;
    Random random = random_new(12);
    while (length < 150000) {
        char piece[300];
        int count = (int)random_below(&random, sizeof(piece) - 1);
        memset(piece, 'a' + (int)random_below(&random, 26), (size_t)count);
        piece[count] = '\0';
        switch (random_below(&random, 4)) {
            case 0: text_append(&text, piece); break;
            case 1: text_append_bytes(&text, piece, (size_t)count); break;
            case 2: text_append_format(&text, "%s", piece); break;
            default:
                for (int i = 0; i < count; i++)
                    text_append_char(&text, piece[i]);
        }
        memcpy(wanted + length, piece, (size_t)count);
        length += (size_t)count;
        assert_true(text.length == length && text.data[length] == '\0' && text.capacity > length);
    }
    assert_memory_equal(text.data, wanted, length);
}

static void
a_text_takes_nul_bytes_and_itself(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    text_append_bytes(&text, "a\0b", 3);
    text_append_bytes(&text, NULL, 0);
    assert_int_equal(text.length, 3);
    assert_memory_equal(text.data, "a\0b", 4);
    text_truncate(&text, 1);
    assert_string_equal(text.data, "a");
    for (int i = 0; i < 10; i++)
        text_append_bytes(&text, text.data, text.length);
    assert_int_equal(text.length, 1024);
    assert_int_equal(strspn(text.data, "a"), 1024);
    text_truncate(&text, 0);
    assert_string_equal(text.data, "");
}

static void
truncate_beyond_the_end(void *text)
{
    text_truncate(text, 4);
}

static void
a_text_is_not_truncated_beyond_its_end(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    Text text = text_new(arena);
    text_append(&text, "abc");
    text_truncate(&text, 3);
    assert_dies(truncate_beyond_the_end, &text, "length <= text->length");
}

static void
texts_are_compared(void **state)
{
    (void)state;
    assert_true(text_equals(NULL, NULL) && text_equals("a", "a"));
    assert_false(text_equals(NULL, "") || text_equals("", NULL) || text_equals("a", "A"));
    assert_true(text_equals_ignoring_case("SeLect", "sElecT") && text_equals_ignoring_case(NULL, NULL));
    assert_false(text_equals_ignoring_case("a", NULL) || text_equals_ignoring_case("ab", "a"));
    assert_true(text_starts_with("abc", "ab") && text_starts_with("abc", "") && text_starts_with("", ""));
    assert_false(text_starts_with("ab", "abc") || text_starts_with("abc", "b"));
    assert_true(text_ends_with("abc", "bc") && text_ends_with("abc", "") && text_ends_with("abc", "abc"));
    assert_false(text_ends_with("bc", "abc") || text_ends_with("abc", "b"));
}

/* By the definition of Unicode, table 3-7: encode every code point, and try what is just beside. */
static void
all_of_unicode_is_valid_utf8_and_nothing_else(void **state)
{
    (void)state;
    for (uint32_t point = 0; point <= 0x1FFFFF; point++) {
        char bytes[4] = {(char)point};
        size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
        for (size_t i = length; length > 1 && i-- > 0;)
            bytes[i] = (char)((i == 0 ? marks[length] : 0x80) |
                              ((point >> (6 * (length - 1 - i))) & (i == 0 ? 0xFFu >> (length + 1) : 0x3F)));
        bool valid = point <= 0x10FFFF && !(point >= 0xD800 && point <= 0xDFFF);
        if (text_is_valid_utf8(bytes, length) != valid)
            fail_msg("U+%04X is taken wrongly", point);
        if (length > 1 && text_is_valid_utf8(bytes, length - 1))
            fail_msg("U+%04X is valid though cut", point);
    }
    static const char *const wrong[] = {
        "\x80",     "\xC0\x80",  "\xC1\xBF", "\xE0\x80\x80", "\xE0\x9F\xBF",        "\xF0\x8F\xBF\xBF",
        "\xC3\xC3", "\xE2\x82(", "\xFE",     "\xFF",         "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(wrong); i++)
        assert_false(text_is_valid_utf8(wrong[i], strlen(wrong[i])));
    assert_true(text_is_valid_utf8("", 0) && text_is_valid_utf8("a\0é", 4));
}

static void
whole_numbers_are_parsed_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {{"0", true, 0},
                 {"-7", true, -7},
                 {"007", true, 7},
                 {"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"-9223372036854775809", false, 0},
                 {"", false, 0},
                 {NULL, false, 0},
                 {" 1", false, 0},
                 {"1 ", false, 0},
                 {"1x", false, 0},
                 {"0x10", false, 0},
                 {"1.0", false, 0},
                 {"-", false, 0},
                 {"1e3", false, 0},
                 {"\n1", false, 0},
                 {"--1", false, 0},
                 {"99999999999999999999999999", false, 0}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        int64_t value = 4711;
        assert_int_equal(text_parse_int64(cases[i].text, &value), cases[i].good);
        assert_int_equal(value, cases[i].good ? cases[i].value : 4711);
    }
    Random random = random_new(13);
    for (int i = 0; i < 10000; i++) {
        int64_t number = (int64_t)(random_next(&random) >> random_below(&random, 64));
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, number);
        int64_t value;
        assert_true(text_parse_int64(text, &value) && value == number);
    }
}

static void
numbers_of_32_bits_are_parsed_within_them(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "1", "4294967295"};
    static const uint32_t values[] = {0, 1, UINT32_MAX};
    static const char *const bad[] = {"-1", "4294967296", "", "x", "1.5", "99999999999999999999"};
    uint32_t value;
    for (size_t i = 0; i < FETTLE_COUNT_OF(good); i++)
        assert_true(text_parse_uint32(good[i], &value) && value == values[i]);
    value = 4711;
    for (size_t i = 0; i < FETTLE_COUNT_OF(bad); i++)
        assert_false(text_parse_uint32(bad[i], &value));
    assert_false(text_parse_uint32(NULL, &value));
    assert_int_equal(value, 4711);
}

static void
fractions_are_parsed_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
        double value;
    } cases[] = {{"1.5", true, 1.5},
                 {"-1e-3", true, -0.001},
                 {"Infinity", true, INFINITY},
                 {"-Infinity", true, -INFINITY},
                 {"NaN", true, NAN},
                 {".5", true, 0.5},
                 {"1e-400", true, 0},
                 {"1e308", true, 1e308},
                 {"1e309", false, 0},
                 {"-1e309", false, 0},
                 {"", false, 0},
                 {NULL, false, 0},
                 {" 1", false, 0},
                 {"1 ", false, 0},
                 {"1,5", false, 0},
                 {"0x10", false, 0},
                 {"0X1p3", false, 0},
                 {"nan(1)", false, 0},
                 {"1.2.3", false, 0},
                 {"e5", false, 0},
                 {"five", false, 0}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        double value = 4711;
        assert_int_equal(text_parse_double(cases[i].text, &value), cases[i].good);
        double wanted = cases[i].good ? cases[i].value : 4711;
        assert_true(value == wanted || (isnan(value) && isnan(wanted)));
    }
}

static void
fractions_read_back_in_any_locale(void **state)
{
    (void)state;
    static const char *const locales[] = {"C", "de_DE.UTF-8", "fr_FR.UTF-8"};
    Random random = random_new(14);
    for (size_t i = 0; i < FETTLE_COUNT_OF(locales); i++) {
        for (int k = 0; k < 3000; k++) {
            double number;
            uint64_t bits = random_next(&random);
            memcpy(&number, &bits, sizeof(number));
            if (!isfinite(number))
                continue;
            char text[64];
            setlocale(LC_NUMERIC, "C");
            snprintf(text, sizeof(text), "%.17g", number);
            setlocale(LC_NUMERIC, locales[i]); /* one that is not installed changes nothing */
            double value;
            assert_true(text_parse_double(text, &value) && value == number);
        }
    }
    setlocale(LC_NUMERIC, "C");
}

static void
sizes_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"},      {1, "1 bytes"},     {1023, "1023 bytes"}, {1024, "1.0 kB"},
                 {1536, "1.5 kB"},    {102400, "100 kB"}, {1048576, "1.0 MB"},  {1503238554, "1.4 GB"},
                 {1.2e13, "10.9 TB"}, {2e18, "1776 PB"},  {-2048, "-2.0 kB"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(text_format_bytes(arena, cases[i].bytes), cases[i].text);
}

static void
durations_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        double milliseconds;
        const char *text;
    } cases[] = {{0, "0 µs"},
                 {0.85, "850 µs"},
                 {0.9994, "999 µs"},
                 {0.9999, "1.0 ms"},
                 {1, "1.0 ms"},
                 {9.94, "9.9 ms"},
                 {9.96, "10 ms"},
                 {999.4, "999 ms"},
                 {999.6, "1.0 s"},
                 {12345, "12.3 s"},
                 {59940, "59.9 s"},
                 {59960, "1 min 00 s"},
                 {245000, "4 min 05 s"},
                 {3599400, "59 min 59 s"},
                 {3599600, "1 h 00 min"},
                 {9000000, "2 h 30 min"},
                 {1e9, "277 h 46 min"},
                 {-245000, "-4 min 05 s"},
                 {-1500, "-1.5 s"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 65536);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(text_format_duration_ms(arena, cases[i].milliseconds), cases[i].text);
}

static void
counts_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        double count;
        const char *text;
    } cases[] = {{0, "0"},
                 {7, "7"},
                 {999, "999"},
                 {1000, "1,000"},
                 {123456, "123,456"},
                 {1234567, "1,234,567"},
                 {-1234.4, "-1,234"},
                 {-0.2, "0"},
                 {1e15, "1,000,000,000,000,000"}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(text_format_count(arena, cases[i].count), cases[i].text);
    /* 309 digits in groups of three */
    char *greatest = text_format_count(arena, DBL_MAX);
    assert_int_equal(strlen(greatest), 309 + 102);
    assert_true(text_starts_with(greatest, "179,769,313,"));
}

static void
width_counts_columns_and_not_bytes(void **state)
{
    (void)state;
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
    static const struct {
        const char *text;
        size_t width;
    } cases[] = {{"", 0},         {"abc", 3},       {"äöü", 3},
                 {"表", 2},       {"e\xCC\x81", 1}, /* a combining accent */ {"a\x01z", 2},
                 {"\xff\xfe", 2}, {"a\xe2\x82", 3}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_int_equal(text_width(cases[i].text), cases[i].width);
    setlocale(LC_CTYPE, "C");
    assert_int_equal(text_width("abc"), 3);
}

static void
what_is_no_utf8_is_replaced_and_the_rest_is_kept(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
#define REPLACED "\xEF\xBF\xBD"
    static const struct {
        const char *text;
        size_t length;
        const char *clean;
    } cases[] = {{"", 0, ""},
                 {"plain", 5, "plain"},
                 {"plain", 2, "pl"},
                 {"plain", 99, "plain"},
                 {"\xc3\xa4\xe8\xa1\xa8\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe8\xa1\xa8\xf0\x9f\x98\x80"},
                 {"a\xffz", 3, "a" REPLACED "z"},
                 {"\xc3\xa4", 1, REPLACED},
                 {"a\xe2\x82z", 4, "a" REPLACED REPLACED "z"},
                 {"\xed\xa0\x80", 3, REPLACED REPLACED REPLACED}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++)
        assert_string_equal(text_clean_utf8(arena, cases[i].text, cases[i].length), cases[i].clean);
#undef REPLACED
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_grows_and_always_ends_in_nul),
        cmocka_unit_test(a_text_takes_nul_bytes_and_itself),
        cmocka_unit_test(a_text_is_not_truncated_beyond_its_end),
        cmocka_unit_test(texts_are_compared),
        cmocka_unit_test(all_of_unicode_is_valid_utf8_and_nothing_else),
        cmocka_unit_test(whole_numbers_are_parsed_strictly),
        cmocka_unit_test(numbers_of_32_bits_are_parsed_within_them),
        cmocka_unit_test(fractions_are_parsed_strictly),
        cmocka_unit_test(fractions_read_back_in_any_locale),
        cmocka_unit_test(sizes_are_written_for_people),
        cmocka_unit_test(durations_are_written_for_people),
        cmocka_unit_test(counts_are_written_for_people),
        cmocka_unit_test(width_counts_columns_and_not_bytes),
        cmocka_unit_test(what_is_no_utf8_is_replaced_and_the_rest_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
