// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of src/sql share: the parsed statement, and libpg_query behind a thread of its own.
 */
#ifndef FETTLE_SQL_STATEMENT_INTERNAL_H
#define FETTLE_SQL_STATEMENT_INTERNAL_H

#include "sql/statement.h"

#include <pg_query/pg_query.pb-c.h>

struct SqlStatement {
    SqlKind kind;
    SqlUnparsedReason reason;
    const char *reason_text;
    const char *text; /* cleaned */
    uint64_t fingerprint;
    int parameter_count;
    bool writes;
    PgQuery__ParseResult *tree; /* in the arena; NULL when it did not parse */
};

/* The nodes' nesting bound; deeper texts are SQL_REASON_TOO_DEEP. */
#define SQL_DEPTH_MOST 1000

/* Runs work(context) on a thread with a large stack and waits; libpg_query and our walks recurse with the text. */
void sql_big_stack_run(void (*work)(void *context), void *context);

/* Comments become spaces of equal length; string literals and identifiers are left. Dollar quotes and E'' understood. */
char *sql_comments_blank(Arena *arena, const char *text, size_t length);

/* "?" outside of literals becomes $1, $2 ...; *ret_count how many. */
char *sql_question_marks_number(Arena *arena, const char *text, int *ret_count);

/* Deepest nesting of parentheses and brackets, and longest run of operators that nest: a cheap bound before parsing. */
int sql_nesting(const char *text);

/* Tokens with literals replaced by "?", one space between: for texts that do not parse. */
char *sql_tokens_normalize(Arena *arena, const char *text);

/* The root statement's node (of the only statement), NULL when it did not parse. */
PgQuery__Node *sql_statement_root(const SqlStatement *statement);

/* A second parse for a view's definition; NULL when it does not parse. In the arena. */
PgQuery__ParseResult *sql_tree_parse(Arena *arena, const char *text);

#endif
