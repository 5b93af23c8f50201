// SPDX-License-Identifier: PostgreSQL
/*
 * Texts before parsing: comments blanked, drivers' placeholders numbered.
 */
#include "sql/lexical.h"
#include "sql/statement_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

char *
sql_comments_blank(Arena *arena, const char *text, size_t length)
{
    char *clean = arena_strndup(arena, text, length);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        /* A comment that does not end stays: the text is cut off, and the parser is to say so. */
        for (size_t i = 0; lexeme.kind == LEXEME_COMMENT && !lexeme.is_open && i < lexeme.length; i++)
            if (text[at + i] != '\n')
                clean[at + i] = ' ';
        at += lexeme.length;
    }
    return clean;
}

/* Words after which an operand must follow, so that a "?" there stands for a value. */
static bool
word_wants_operand(const char *text, size_t at, Lexeme lexeme)
{
    static const char *const words[] = {
        "select", "where", "and",    "or",     "not",   "in",     "between",   "like",   "ilike", "similar",
        "to",     "limit", "offset", "by",     "then",  "else",   "when",      "case",   "on",    "having",
        "is",     "from",  "escape", "using",  "all",   "any",    "some",      "values", "set",   "returning",
        "fetch",  "first", "next",   "of",     "over",  "as",     "distinct",  "only",   "array", "row",
        "for",    "rows",  "range",  "groups", "union", "except", "intersect", "default"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(words); i++)
        if (sql_lexeme_is(text, at, lexeme, words[i]))
            return true;
    return false;
}

/* What stands before a "?": the end of an operand makes it an operator of jsonb, anything else a placeholder.
 */
static bool
ends_operand(const char *text, size_t at, Lexeme lexeme)
{
    switch (lexeme.kind) {
        case LEXEME_STRING:
        case LEXEME_NAME:
        case LEXEME_NUMBER:
        case LEXEME_PARAMETER: return true;
        case LEXEME_WORD: return !word_wants_operand(text, at, lexeme);
        case LEXEME_OTHER: return text[at] == ')' || text[at] == ']';
        default: return false;
    }
}

typedef struct Numbering {
    const char *text;
    size_t length;
    Text numbered;
    int next;
    int count;
    bool after_operand;
} Numbering;

static int
parameter_most(const char *text, size_t length)
{
    int most = 0;
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        int number =
            lexeme.kind == LEXEME_PARAMETER && lexeme.length <= 6 ? (int)strtol(text + at + 1, NULL, 10) : 0;
        most = number > most ? number : most;
        at += lexeme.length;
    }
    return most;
}

/* A "?" at this place: returns how many bytes of the text it took. */
static size_t
question_mark_take(Numbering *numbering, size_t at)
{
    const char *here = numbering->text + at;
    size_t left = numbering->length - at;
    if (numbering->after_operand) {
        /* JDBC writes the operators ?, ?| and ?& as ??, ??| and ??&. */
        size_t took = left > 1 && here[1] == '?' ? 2 : 1;
        bool is_long = left > took && (here[took] == '|' || here[took] == '&');
        text_append_char(&numbering->numbered, '?');
        if (is_long)
            text_append_char(&numbering->numbered, here[took++]);
        text_append_char(&numbering->numbered, ' ');
        numbering->after_operand = false;
        return took;
    }
    size_t digits = 1;
    int ordinal = 0;
    while (digits < left && digits < 6 && isdigit((unsigned char)here[digits]))
        ordinal = ordinal * 10 + (here[digits++] - '0');
    text_append_format(&numbering->numbered, "$%d", ordinal > 0 ? ordinal : ++numbering->next);
    if (digits < left && (isalnum((unsigned char)here[digits]) || here[digits] == '_'))
        text_append_char(&numbering->numbered, ' ');
    numbering->count++;
    numbering->after_operand = true;
    return digits;
}

char *
sql_question_marks_number(Arena *arena, const char *text, int *ret_count)
{
    size_t length = strlen(text);
    Numbering numbering = {.text = text, .length = length, .numbered = text_new(arena)};
    numbering.next = parameter_most(text, length);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = sql_lexeme_at(text, at, length);
        if (lexeme.kind == LEXEME_OPERATOR && text[at] == '?') {
            at += question_mark_take(&numbering, at);
            continue;
        }
        text_append_bytes(&numbering.numbered, text + at, lexeme.length);
        if (lexeme.kind != LEXEME_SPACE && lexeme.kind != LEXEME_COMMENT)
            numbering.after_operand = ends_operand(text, at, lexeme);
        at += lexeme.length;
    }
    *ret_count = numbering.count;
    return numbering.numbered.data;
}
