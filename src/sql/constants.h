// SPDX-License-Identifier: PostgreSQL
/*
 * The constants of a statement that a server normalised ("status = $1 LIMIT $2"), as some text that a session
 * sent has them ("status = 'open' LIMIT 20"): found by walking both texts lexeme by lexeme, judged by where
 * they stand, and written back in place of their $n.
 *
 *     if (sql_constants_key(text) == sql_constants_key(sent) &&
 *         sql_constants_bind(arena, text, sent, constants, count)) ...
 *
 * Texts are hostile: nothing here fails, and what is not plainly the same statement is no match. Literals are
 * written anew from their value, so that what is filled in means the same wherever it stands; one whose
 * meaning depends on the session's settings (a backslash), or on a prefix (B, X, N, U&), has none.
 */
#ifndef FETTLE_SQL_CONSTANTS_H
#define FETTLE_SQL_CONSTANTS_H

#include "base/arena.h"

#define SQL_CONSTANTS_MOST 200

typedef enum SqlConstantKind {
    SQL_CONSTANT_NONE, /* a parameter in what was sent too, a list of any length, or nothing to write */
    SQL_CONSTANT_STRING,
    SQL_CONSTANT_NUMBER,
    SQL_CONSTANT_BOOLEAN,
    SQL_CONSTANT_NULL,
    SQL_CONSTANT_FIELD, /* the word of extract(year from ...) */
} SqlConstantKind;

typedef struct SqlConstant {
    SqlConstantKind kind;
    const char *literal; /* to be written: 'it''s', (-5), true; NULL for NONE */
    const char *value;   /* what it stands for: it's, -5, true; NULL for NONE and NULL */
} SqlConstant;

/* What a $n of the text is for, by what stands before it. */
typedef enum SqlConstantPlace {
    SQL_PLACE_VALUE,
    SQL_PLACE_NAME,    /* a key, a field or a configuration: data ->> $1, date_trunc($1, ...) */
    SQL_PLACE_ROWS,    /* LIMIT $1, FETCH FIRST $1 */
    SQL_PLACE_PATTERN, /* LIKE $1, ~ $1 */
} SqlConstantPlace;

/* Equal for texts that differ in constants, their number in lists, blanks, comments and letters' case only; a
 * hash: bind decides. */
uint64_t sql_constants_key(const char *text);

/* The highest $n of the text; over SQL_CONSTANTS_MOST it is not exact. */
size_t sql_constants_count(const char *text);

/* constants[n - 1] is what sent has for $n. False, and nothing of worth in them, when it is another
 * statement or a $n is over count. */
bool sql_constants_bind(Arena *arena, const char *text, const char *sent, SqlConstant *constants,
                        size_t count);

/* places[n - 1] is where $n stands; PATTERN or VALUE before the others where it stands several times. */
void sql_constants_places(Arena *arena, const char *text, SqlConstantPlace *places, size_t count);

/* The text with literals[n - 1] in place of $n where it is not NULL; the $n that are left are numbered from 1
 * without a hole, since a server plans no text that leaves one out. A text with a $n over SQL_CONSTANTS_MOST
 * stays as it is. */
const char *sql_constants_fill(Arena *arena, const char *text, const char *const *literals, size_t count);

#endif
