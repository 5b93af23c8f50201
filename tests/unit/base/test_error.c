// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* What every error must be, whatever it quotes. */
static void
assert_well_formed(const Error *error)
{
    const char *const texts[] = {error->message, error->hint};
    static const size_t limits[] = {ERROR_MESSAGE_BYTES, ERROR_HINT_BYTES};
    for (int i = 0; i < 2; i++) {
        size_t length = strnlen(texts[i], limits[i]);
        assert_true(length < limits[i]);
        assert_true(text_is_valid_utf8(texts[i], length));
        for (size_t k = 0; k < length; k++)
            assert_true((unsigned char)texts[i][k] >= ' ' && texts[i][k] != 0x7F);
    }
}

static void
setting_an_error_is_false_and_clears_the_hint(void **state)
{
    (void)state;
    Error error = {0};
    assert_false(error_set(&error, ERROR_INPUT, "could not read %s", "x"));
    assert_false(error_set_hint(&error, "try %d", 2));
    memcpy(error.sqlstate, "42501", 6);
    assert_string_equal(error.message, "could not read x");
    assert_string_equal(error.hint, "try 2");
    assert_false(error_set(&error, ERROR_LIMIT, "too long"));
    assert_int_equal(error.code, ERROR_LIMIT);
    assert_string_equal(error.hint, "");
    assert_string_equal(error.sqlstate, "");
    assert_false(error_is_false());
}

static void
an_error_may_quote_itself(void **state)
{
    (void)state;
    Error error = {0};
    (void)error_set(&error, ERROR_QUERY, "it failed");
    (void)error_set_hint(&error, "look there");
    (void)error_set_hint(&error, "%s, then here", error.hint);
    assert_string_equal(error.hint, "look there, then here");
    (void)error_set(&error, ERROR_LIMIT, "%s twice", error.message);
    assert_string_equal(error.message, "it failed twice");
}

static void
a_prefix_stands_before_the_message(void **state)
{
    (void)state;
    Error error = {0};
    (void)error_set(&error, ERROR_DAMAGED, "the file is cut");
    (void)error_set_hint(&error, "copy it again");
    assert_false(error_prefix(&error, "could not read %s", "shop.fettle"));
    assert_string_equal(error.message, "could not read shop.fettle: the file is cut");
    assert_string_equal(error.hint, "copy it again");
    assert_int_equal(error.code, ERROR_DAMAGED);
}

static void
a_prefix_that_leaves_no_room_stands_alone(void **state)
{
    (void)state;
    for (int length = ERROR_MESSAGE_BYTES - 12; length < ERROR_MESSAGE_BYTES + 12; length++) {
        Error error = {0};
        (void)error_set(&error, ERROR_INPUT, "0123456789");
        (void)error_prefix(&error, "%*s", length, "x");
        assert_well_formed(&error);
        assert_true(strlen(error.message) >= ERROR_MESSAGE_BYTES - 4);
    }
}

static void
long_texts_are_cut_at_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = {"a", "é", "€", "😀"};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(characters) * 4; i++) {
        Text text = text_new(arena);
        for (size_t k = 0; k < i / 4; k++)
            text_append_char(&text, 'x');
        size_t width = strlen(characters[i % 4]);
        while (text.length < ERROR_MESSAGE_BYTES + 10)
            text_append(&text, characters[i % 4]);
        Error error = {0};
        (void)error_set(&error, ERROR_INPUT, "%s", text.data);
        (void)error_set_hint(&error, "%s", text.data);
        assert_well_formed(&error);
        /* no more is lost than one character */
        assert_true(strlen(error.message) > ERROR_MESSAGE_BYTES - 1 - width);
        assert_true(strlen(error.hint) > ERROR_HINT_BYTES - 1 - width);
        assert_memory_equal(error.message, text.data, strlen(error.message));
    }
}

static void
whatever_is_quoted_the_message_is_one_line_of_utf8(void **state)
{
    (void)state;
    Error error = {0};
    (void)error_set(&error, ERROR_INPUT, "a\nb\tc\x1b[2Jd\x7f %.3s \xff\xc3", "äö");
    assert_string_equal(error.message, "a b c [2Jd  ä? ??");
    Random random = random_new(3);
    for (int round = 0; round < 2000; round++) {
        char noise[1500];
        size_t length = (size_t)random_below(&random, sizeof(noise) - 1);
        for (size_t i = 0; i < length; i++)
            noise[i] = (char)(random_below(&random, 4) == 0 ? 0x80 + random_below(&random, 128)
                                                            : 1 + random_below(&random, 255));
        noise[length] = '\0';
        (void)error_set(&error, ERROR_INPUT, "%s", noise);
        (void)error_set_hint(&error, "%s", noise);
        assert_well_formed(&error);
        (void)error_prefix(&error, "%.300s", noise);
        assert_well_formed(&error);
        if (text_is_valid_utf8(noise, length) && length < 1000 && strpbrk(noise, "\n\t") == NULL)
            assert_int_equal(strlen(error.hint), length);
    }
}

static void
a_text_is_cleaned_as_a_message_is(void **state)
{
    (void)state;
    char text[] = "a\tb\xff\nc";
    error_text_clean(text, sizeof(text));
    assert_string_equal(text, "a b? c");
}

static void
a_failure_of_the_system_has_its_code_and_says_what_to_do(void **state)
{
    (void)state;
    static const struct {
        int number;
        ErrorCode code;
        const char *words;
        const char *hint;
    } cases[] = {{ENOSPC, ERROR_DISK_FULL, "No space left on device", "free some space"},
                 {EDQUOT, ERROR_DISK_FULL, "Disk quota exceeded", "free some space"},
                 {EACCES, ERROR_SYSTEM, "Permission denied", "owner and mode"},
                 {EROFS, ERROR_SYSTEM, "Read-only file system", "another place"},
                 {ENAMETOOLONG, ERROR_SYSTEM, "File name too long", "shorter path"},
                 {EMFILE, ERROR_SYSTEM, "Too many open files", "ulimit -n"},
                 {ENOENT, ERROR_SYSTEM, "No such file or directory", "check the path"},
                 {EIO, ERROR_SYSTEM, "Input/output error", NULL}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        Error error = {0};
        assert_false(error_set_errno(&error, cases[i].number, "could not write %s", "x"));
        assert_int_equal(error.code, cases[i].code);
        char wanted[100] = "could not write x: ";
        memcpy(wanted + strlen(wanted), cases[i].words, strlen(cases[i].words) + 1);
        assert_string_equal(error.message, wanted);
        if (cases[i].hint == NULL)
            assert_string_equal(error.hint, "");
        else
            assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

static void
clearing_leaves_no_error(void **state)
{
    (void)state;
    Error error = {0};
    error_fill(&error, ERROR_TIMEOUT, "x");
    error_fill_hint(&error, "y");
    error_fill_prefix(&error, "z");
    error_fill_errno(&error, EIO, "w");
    error_clear(&error);
    assert_int_equal(error.code, ERROR_NONE);
    assert_string_equal(error.message, "");
    assert_string_equal(error.hint, "");
}

static void
each_code_has_its_own_word_and_exit_status(void **state)
{
    (void)state;
    static const ErrorCode codes[] = {
#define CODE(code, word, http_status, exit_status) code,
        ERROR_CODES(CODE)
#undef CODE
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(codes); i++) {
        int status = error_code_exit_status(codes[i]);
        int http = error_code_http_status(codes[i]);
        assert_true(codes[i] == ERROR_NONE ? status == 0 : status > 1 && status < 126 && status != 10);
        assert_true(codes[i] == ERROR_NONE ? http == 200 : http >= 400 && http < 600);
        for (const char *at = error_code_word(codes[i]); *at != '\0'; at++)
            assert_true((*at >= 'a' && *at <= 'z') || *at == '_');
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(error_code_word(codes[i]), error_code_word(codes[k]));
            assert_int_not_equal(status, error_code_exit_status(codes[k]));
        }
    }
    assert_int_equal(error_code_exit_status(ERROR_USAGE), 2);
    assert_int_equal(error_code_http_status(ERROR_NOT_FOUND), 404);
    assert_string_equal(error_code_word(ERROR_CONNECTION), "connection_failed");
}

static void
name_a_code_that_is_none(void *ignored)
{
    (void)ignored;
    (void)error_code_word((ErrorCode)(ERROR_INTERNAL + 1));
}

static void
set_no_error(void *ignored)
{
    (void)ignored;
    Error error = {0};
    (void)error_set(&error, ERROR_NONE, "x");
}

static void
hint_at_nothing(void *ignored)
{
    (void)ignored;
    Error error = {0};
    (void)error_set_hint(&error, "x");
}

static void
prefix_nothing(void *ignored)
{
    (void)ignored;
    Error error = {0};
    (void)error_prefix(&error, "x");
}

static void
misuse_is_a_bug(void **state)
{
    (void)state;
    assert_dies(name_a_code_that_is_none, NULL, "code");
    assert_dies(set_no_error, NULL, "ERROR_NONE");
    assert_dies(hint_at_nothing, NULL, "ERROR_NONE");
    assert_dies(prefix_nothing, NULL, "ERROR_NONE");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_is_false_and_clears_the_hint),
        cmocka_unit_test(an_error_may_quote_itself),
        cmocka_unit_test(a_prefix_stands_before_the_message),
        cmocka_unit_test(a_prefix_that_leaves_no_room_stands_alone),
        cmocka_unit_test(long_texts_are_cut_at_a_character),
        cmocka_unit_test(whatever_is_quoted_the_message_is_one_line_of_utf8),
        cmocka_unit_test(a_text_is_cleaned_as_a_message_is),
        cmocka_unit_test(a_failure_of_the_system_has_its_code_and_says_what_to_do),
        cmocka_unit_test(clearing_leaves_no_error),
        cmocka_unit_test(each_code_has_its_own_word_and_exit_status),
        cmocka_unit_test(misuse_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
