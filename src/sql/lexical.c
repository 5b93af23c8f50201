// SPDX-License-Identifier: PostgreSQL
/*
 * Texts before parsing: comments, placeholders, nesting, tokens; and splitting a file into statements. One small
 * scanner that knows what may hide a character's meaning: comments (nesting), '...', E'...', "...", $tag$...$tag$.
 */
#include "sql/statement_internal.h"

#include <ctype.h>
#include <string.h>

typedef enum LexicalKind { LEXICAL_PLAIN, LEXICAL_COMMENT, LEXICAL_STRING, LEXICAL_IDENTIFIER, LEXICAL_END } LexicalKind;

typedef struct Lexeme {
    LexicalKind kind;
    size_t length;
    bool is_open; /* a comment, literal or name that does not end */
} Lexeme;

static bool
is_word_character(char character)
{
    return isalnum((unsigned char)character) || character == '_' || ((unsigned char)character & 0x80) != 0;
}

static Lexeme
lexeme_block_comment(const char *text, size_t left)
{
    size_t at = 2;
    int depth = 1;
    while (at < left && depth > 0) {
        bool opens = at + 1 < left && text[at] == '/' && text[at + 1] == '*';
        bool closes = at + 1 < left && text[at] == '*' && text[at + 1] == '/';
        depth += opens - closes;
        at += opens || closes ? 2 : 1;
    }
    return (Lexeme){LEXICAL_COMMENT, at, depth > 0};
}

static Lexeme
lexeme_quoted(const char *text, size_t left, char quote, bool escapes)
{
    size_t at = 1;
    for (; at < left; at++) {
        if (escapes && text[at] == '\\' && at + 1 < left)
            at++;
        else if (text[at] == quote && at + 1 < left && text[at + 1] == quote)
            at++;
        else if (text[at] == quote)
            return (Lexeme){quote == '"' ? LEXICAL_IDENTIFIER : LEXICAL_STRING, at + 1, false};
    }
    return (Lexeme){quote == '"' ? LEXICAL_IDENTIFIER : LEXICAL_STRING, left, true};
}

/* $tag$ ... $tag$; a plain character when it is no dollar quote. */
static Lexeme
lexeme_dollar(const char *text, size_t left)
{
    size_t tag = 1;
    while (tag < left && is_word_character(text[tag]) && !(tag == 1 && isdigit((unsigned char)text[tag])))
        tag++;
    if (tag >= left || text[tag] != '$')
        return (Lexeme){LEXICAL_PLAIN, 1, false};
    tag++;
    for (size_t at = tag; at + tag <= left; at++)
        if (text[at] == '$' && memcmp(text + at, text, tag) == 0)
            return (Lexeme){LEXICAL_STRING, at + tag, false};
    return (Lexeme){LEXICAL_STRING, left, true};
}

static Lexeme
lexeme_next(const char *text, size_t at, size_t length)
{
    size_t left = length - at;
    const char *here = text + at;
    if (left == 0)
        return (Lexeme){LEXICAL_END, 0, false};
    bool after_word = at > 0 && is_word_character(text[at - 1]);
    if (here[0] == '-' && left > 1 && here[1] == '-') {
        const char *end = memchr(here, '\n', left);
        return (Lexeme){LEXICAL_COMMENT, end == NULL ? left : (size_t)(end - here), false};
    }
    if (here[0] == '/' && left > 1 && here[1] == '*')
        return lexeme_block_comment(here, left);
    if (here[0] == '\'') {
        bool escapes = at > 0 && (text[at - 1] == 'E' || text[at - 1] == 'e') &&
                       (at < 2 || !is_word_character(text[at - 2]));
        return lexeme_quoted(here, left, '\'', escapes);
    }
    if (here[0] == '"')
        return lexeme_quoted(here, left, '"', false);
    if (here[0] == '$' && !after_word)
        return lexeme_dollar(here, left);
    return (Lexeme){LEXICAL_PLAIN, 1, false};
}

char *
sql_comments_blank(Arena *arena, const char *text, size_t length)
{
    char *clean = arena_strndup(arena, text, length);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = lexeme_next(text, at, length);
        for (size_t i = 0; lexeme.kind == LEXICAL_COMMENT && i < lexeme.length; i++)
            clean[at + i] = text[at + i] == '\n' ? '\n' : ' ';
        at += lexeme.length;
    }
    return clean;
}

char *
sql_question_marks_number(Arena *arena, const char *text, int *ret_count)
{
    Text numbered = text_new(arena);
    size_t length = strlen(text);
    int count = 0;
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = lexeme_next(text, at, length);
        if (lexeme.kind == LEXICAL_PLAIN && text[at] == '?')
            text_append_format(&numbered, "$%d", ++count);
        else
            text_append_bytes(&numbered, text + at, lexeme.length);
        at += lexeme.length;
    }
    *ret_count = count;
    return numbered.data;
}

int
sql_nesting(const char *text)
{
    size_t length = strlen(text);
    int depth = 0;
    int deepest = 0;
    int prefix_run = 0;
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = lexeme_next(text, at, length);
        char character = lexeme.kind == LEXICAL_PLAIN ? text[at] : ' ';
        if (character == '(' || character == '[')
            depth++;
        else if ((character == ')' || character == ']') && depth > 0)
            depth--;
        /* "- - - 1" and "not not x" nest without parentheses; operators in a row are counted as if each did. */
        prefix_run = strchr("+-~!@#", character) != NULL ? prefix_run + 1 : isspace((unsigned char)character) ? prefix_run : 0;
        int here = depth + prefix_run;
        deepest = here > deepest ? here : deepest;
        at += lexeme.length;
    }
    return deepest;
}

static size_t
word_length(const char *text, size_t at, size_t length)
{
    size_t end = at;
    while (end < length && (is_word_character(text[end]) || text[end] == '$'))
        end++;
    return end - at;
}

char *
sql_tokens_normalize(Arena *arena, const char *text)
{
    Text tokens = text_new(arena);
    size_t length = strlen(text);
    for (size_t at = 0; at < length;) {
        Lexeme lexeme = lexeme_next(text, at, length);
        size_t step = lexeme.length;
        bool is_space = isspace((unsigned char)text[at]) || lexeme.kind == LEXICAL_COMMENT;
        if (!is_space && tokens.length > 0)
            text_append_char(&tokens, ' ');
        if (lexeme.kind == LEXICAL_STRING || (lexeme.kind == LEXICAL_PLAIN && isdigit((unsigned char)text[at]))) {
            text_append_char(&tokens, '?');
            if (lexeme.kind == LEXICAL_PLAIN)
                step = word_length(text, at, length);
        } else if (lexeme.kind == LEXICAL_PLAIN && is_word_character(text[at])) {
            step = word_length(text, at, length);
            for (size_t i = 0; i < step; i++)
                text_append_char(&tokens, (char)tolower((unsigned char)text[at + i]));
        } else if (!is_space) {
            text_append_bytes(&tokens, text + at, step);
        }
        at += step;
    }
    return tokens.data;
}

static bool
text_is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

TextList
sql_split(Arena *arena, const char *text, size_t length, size_t limit)
{
    TextList statements = {0};
    size_t start = 0;
    for (size_t at = 0; at <= length && statements.count < limit;) {
        Lexeme lexeme = lexeme_next(text, at, length);
        bool ends = lexeme.kind == LEXICAL_END || (lexeme.kind == LEXICAL_PLAIN && text[at] == ';');
        if (ends) {
            const char *clean = sql_comments_blank(arena, text + start, at - start);
            if (!text_is_blank(clean, at - start))
                vector_push(arena, &statements, arena_strndup(arena, text + start, at - start));
            start = at + 1;
        }
        at += lexeme.kind == LEXICAL_END ? 1 : lexeme.length;
    }
    return statements;
}
