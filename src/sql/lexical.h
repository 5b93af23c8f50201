// SPDX-License-Identifier: PostgreSQL
/*
 * A small scanner of SQL texts that may be broken: it never fails, and it knows what hides a character's
 * meaning (nested comments, '...', E'...', "...", $tag$...$tag$). What is not closed reaches to the end of
 * the text.
 *
 *     for (size_t at = 0; at < length; at += lexeme.length)
 *         lexeme = sql_lexeme_at(text, at, length);
 *
 * at must stand at a lexeme's start. Texts need not be terminated. For src/sql; the snapshot floor
 * redacts, and reads workload files, with it too, and the what-if looks into statements that it puts
 * together.
 */
#ifndef FETTLE_SQL_LEXICAL_H
#define FETTLE_SQL_LEXICAL_H

#include "base/attributes.h"

typedef enum LexemeKind {
    LEXEME_SPACE,
    LEXEME_COMMENT,
    LEXEME_STRING, /* with its quotes and its prefix letter (E, B, X, N, U&) */
    LEXEME_NAME,   /* "quoted" */
    LEXEME_WORD,   /* key word or plain name */
    LEXEME_NUMBER,
    LEXEME_PARAMETER, /* $1 */
    LEXEME_OPERATOR,  /* one character of an operator */
    LEXEME_OTHER,     /* one character: ( ) [ ] , ; . : and what no rule knows */
} LexemeKind;

typedef struct Lexeme {
    LexemeKind kind;
    size_t length; /* > 0 */
    bool is_open;  /* a comment, literal or name that does not end */
} Lexeme;

Lexeme sql_lexeme_at(const char *text, size_t at, size_t length);

/* True when the lexeme is this word, in any case. */
bool sql_lexeme_is(const char *text, size_t at, Lexeme lexeme, const char *word);

#endif
