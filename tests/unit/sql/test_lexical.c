// SPDX-License-Identifier: PostgreSQL
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"
#include "sql/lexical.h"

#include <stdlib.h>
#include <string.h>

/* One letter a lexeme: its kind, in capitals when it does not end. */
static char *
kinds_of(Arena *arena, const char *text, size_t length)
{
    static const char letters[] = {[LEXEME_SPACE] = ' ',     [LEXEME_COMMENT] = 'c',  [LEXEME_STRING] = 's',
                                   [LEXEME_NAME] = 'n',      [LEXEME_WORD] = 'w',     [LEXEME_NUMBER] = 'd',
                                   [LEXEME_PARAMETER] = 'p', [LEXEME_OPERATOR] = 'o', [LEXEME_OTHER] = '.'};
    Text kinds = text_new(arena);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        assert_true(lexeme.length > 0 && lexeme.length <= length - at);
        char letter = letters[lexeme.kind];
        text_append_char(&kinds, lexeme.is_open ? (char)(letter - 'a' + 'A') : letter);
        at += lexeme.length;
    }
    return kinds.data;
}

static void
each_lexeme_is_told_by_its_kind(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"select 1", "w d"},
                                           {"a.b=$1", "w.wop"},
                                           {"'it''s'", "s"},
                                           {"'a' 'b'", "s s"},
                                           {"E'\\''x", "sw"},
                                           {"'\\'x", "sw"},
                                           {"E'x'\n'it\\'s; y' z", "s w"},
                                           {"e'x' -- c\r\n -- d\n\t'\\'' z", "s w"},
                                           {"E'x' '\\' z", "s s w"},
                                           {"E'x' -- 'y'\nz", "s c w"},
                                           {"E'x'\n", "s "},
                                           {"'x'\n'\\' z", "s s w"},
                                           {"b'01'", "s"},
                                           {"U&'x'", "s"},
                                           {"N'x'", "s"},
                                           {"\"a\"\"b\"", "n"},
                                           {"-- x\ny", "c w"},
                                           {"/* a /* b */ c */d", "cw"},
                                           {"$$a;b$$", "s"},
                                           {"$t$ $$ $t$x", "sw"},
                                           {"$1$2", "pp"},
                                           {"1.5e3", "d"},
                                           {"größe", "w"},
                                           {"a<=b", "woow"},
                                           {"(a,b)[1];", ".w.w..d.."},
                                           {"'open", "S"},
                                           {"\"open", "N"},
                                           {"/* open /* */", "C"},
                                           {"$$open", "S"},
                                           {"--", "c"},
                                           {"", ""}};
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        const char *kinds = kinds_of(arena, cases[i][0], strlen(cases[i][0]));
        if (strcmp(kinds, cases[i][1]) != 0)
            fail_msg("%s: %s, not %s", cases[i][0], kinds, cases[i][1]);
    }
}

static void
a_word_is_known_in_any_case(void **state)
{
    (void)state;
    static const char text[] = "SeLect selects \"select\" 'select'";
    Lexeme first = sql_lexeme_at(text, 0, sizeof(text) - 1);
    assert_true(sql_lexeme_is(text, 0, first, "select"));
    assert_false(sql_lexeme_is(text, 0, first, "selec"));
    assert_false(sql_lexeme_is(text, 0, first, "selects"));
    assert_false(sql_lexeme_is(text, 7, sql_lexeme_at(text, 7, sizeof(text) - 1), "select"));
    assert_false(sql_lexeme_is(text, 15, sql_lexeme_at(text, 15, sizeof(text) - 1), "select"));
    assert_false(sql_lexeme_is(text, 24, sql_lexeme_at(text, 24, sizeof(text) - 1), "select"));
}

/* Any bytes, not terminated, in memory of just their size: the sanitizers see a read beyond them. */
static void
any_bytes_are_scanned_to_their_end(void **state)
{
    (void)state;
    static const char *const pieces[] = {"'",    "\"", "$",  "$$", "$a$", "--", "/*", "*/",
                                         "\\",   "\n", "E",  "U&", "1",   ".",  "e",  "x",
                                         "\xff", "é",  "\0", ";",  "(",   "?",  "+"};
    Random random = random_new(41);
    for (int round = 0; round < 20000; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
        Text text = text_new(arena);
        for (uint64_t left = random_below(&random, 12); left > 0; left--) {
            const char *piece = pieces[random_below(&random, FETTLE_COUNT_OF(pieces))];
            text_append_bytes(&text, piece, piece[0] == '\0' ? 1 : strlen(piece));
        }
        char *exact = malloc(text.length == 0 ? 1 : text.length);
        assert_non_null(exact);
        memcpy(exact, text.data, text.length);
        (void)kinds_of(arena, exact, text.length);
        free(exact);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_lexeme_is_told_by_its_kind),
        cmocka_unit_test(a_word_is_known_in_any_case),
        cmocka_unit_test(any_bytes_are_scanned_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
