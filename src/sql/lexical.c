// SPDX-License-Identifier: PostgreSQL
#include "sql/lexical.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool
starts_word(char character)
{
    return isalpha((unsigned char)character) || character == '_' || ((unsigned char)character & 0x80) != 0;
}

static bool
continues_word(char character)
{
    return starts_word(character) || isdigit((unsigned char)character) || character == '$';
}

static bool
is_operator_character(char character)
{
    return character != '\0' && strchr("+-*/<>=~!@#%^&|`?", character) != NULL;
}

static Lexeme
line_comment(const char *here, size_t left)
{
    const char *end = memchr(here, '\n', left);
    return (Lexeme){LEXEME_COMMENT, end == NULL ? left : (size_t)(end - here), false};
}

static Lexeme
block_comment(const char *here, size_t left)
{
    size_t at = 2;
    int depth = 1;
    while (at < left && depth > 0) {
        bool opens = at + 1 < left && here[at] == '/' && here[at + 1] == '*';
        bool closes = at + 1 < left && here[at] == '*' && here[at + 1] == '/';
        depth += opens - closes;
        at += opens || closes ? 2 : 1;
    }
    return (Lexeme){LEXEME_COMMENT, at, depth > 0};
}

static size_t
comments_and(const char *here, size_t at, size_t left, const char *spaces)
{
    for (size_t before = SIZE_MAX; at != before;) {
        before = at;
        while (at < left && here[at] != '\0' && strchr(spaces, here[at]) != NULL)
            at++;
        if (at + 1 < left && here[at] == '-' && here[at + 1] == '-')
            at += line_comment(here + at, left - at).length;
    }
    return at;
}

/* A string goes on in another one on a later line: where that opens; 0: it does not. */
static size_t
continuation(const char *here, size_t at, size_t left)
{
    size_t line = comments_and(here, at, left, " \t\f\v");
    if (line >= left || (here[line] != '\n' && here[line] != '\r'))
        return 0;
    size_t next = comments_and(here, line, left, " \t\f\v\n\r");
    return next < left && here[next] == '\'' ? next : 0;
}

/* From the opening quote at position start of here; a doubled quote stands for itself. One with escapes is
 * taken with what continues it, where escapes are escapes too. */
static Lexeme
quoted(const char *here, size_t start, size_t left, bool has_escapes)
{
    char quote = here[start];
    LexemeKind kind = quote == '"' ? LEXEME_NAME : LEXEME_STRING;
    for (size_t at = start + 1; at < left; at++) {
        if (has_escapes && here[at] == '\\' && at + 1 < left)
            at++;
        else if (here[at] == quote && at + 1 < left && here[at + 1] == quote)
            at++;
        else if (here[at] == quote) {
            size_t next = has_escapes ? continuation(here, at + 1, left) : 0;
            if (next == 0)
                return (Lexeme){kind, at + 1, false};
            at = next;
        }
    }
    return (Lexeme){kind, left, true};
}

/* $1, or $tag$ ... $tag$; else the dollar alone. */
static Lexeme
dollar(const char *here, size_t left)
{
    size_t tag = 1;
    if (left > 1 && isdigit((unsigned char)here[1])) {
        while (tag < left && isdigit((unsigned char)here[tag]))
            tag++;
        return (Lexeme){LEXEME_PARAMETER, tag, false};
    }
    while (tag < left && here[tag] != '$' && continues_word(here[tag]))
        tag++;
    if (tag >= left || here[tag] != '$')
        return (Lexeme){LEXEME_OTHER, 1, false};
    tag++;
    for (size_t at = tag; at + tag <= left;) {
        const char *next = memchr(here + at, '$', left - at);
        if (next == NULL)
            break;
        at = (size_t)(next - here);
        if (at + tag <= left && memcmp(next, here, tag) == 0)
            return (Lexeme){LEXEME_STRING, at + tag, false};
        at++;
    }
    return (Lexeme){LEXEME_STRING, left, true};
}

static Lexeme
number(const char *here, size_t left)
{
    size_t at = 0;
    while (at < left) {
        bool is_exponent_sign = (here[at] == '+' || here[at] == '-') && at > 1 &&
                                tolower(here[at - 1]) == 'e' && at + 1 < left &&
                                isdigit((unsigned char)here[at + 1]) && memchr(here, 'x', at) == NULL;
        /* "1..2" is a range of PL/pgSQL: the second point belongs to no number. */
        bool is_point = here[at] == '.' && !(at + 1 < left && here[at + 1] == '.');
        if (!continues_word(here[at]) && !is_point && !is_exponent_sign)
            break;
        at++;
    }
    return (Lexeme){LEXEME_NUMBER, at, false};
}

static Lexeme
word(const char *here, size_t left)
{
    static const char prefixes[] = "EeBbXxNn";
    if (left > 1 && here[1] == '\'' && strchr(prefixes, here[0]) != NULL)
        return quoted(here, 1, left, here[0] == 'E' || here[0] == 'e');
    bool is_unicode = left > 2 && (here[0] == 'U' || here[0] == 'u') && here[1] == '&';
    if (is_unicode && (here[2] == '\'' || here[2] == '"'))
        return quoted(here, 2, left, false);
    size_t at = 1;
    while (at < left && continues_word(here[at]))
        at++;
    return (Lexeme){LEXEME_WORD, at, false};
}

Lexeme
sql_lexeme_at(const char *text, size_t at, size_t length)
{
    const char *here = text + at;
    size_t left = length - at;
    char second = left > 1 ? here[1] : '\0';
    size_t spaces = 0;
    while (spaces < left && here[spaces] != '\0' && isspace((unsigned char)here[spaces]))
        spaces++;
    if (spaces > 0)
        return (Lexeme){LEXEME_SPACE, spaces, false};
    if (here[0] == '-' && second == '-')
        return line_comment(here, left);
    if (here[0] == '/' && second == '*')
        return block_comment(here, left);
    if (here[0] == '\'' || here[0] == '"')
        return quoted(here, 0, left, false);
    if (here[0] == '$')
        return dollar(here, left);
    if (starts_word(here[0]))
        return word(here, left);
    if (isdigit((unsigned char)here[0]) || (here[0] == '.' && isdigit((unsigned char)second)))
        return number(here, left);
    return (Lexeme){is_operator_character(here[0]) ? LEXEME_OPERATOR : LEXEME_OTHER, 1, false};
}

bool
sql_lexeme_is(const char *text, size_t at, Lexeme lexeme, const char *expected)
{
    return lexeme.kind == LEXEME_WORD && lexeme.length == strlen(expected) &&
           strncasecmp(text + at, expected, lexeme.length) == 0;
}
