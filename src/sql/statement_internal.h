// SPDX-License-Identifier: PostgreSQL
/*
 * What the files of src/sql share: the parsed statement, its tree, and libpg_query behind a thread of its
 * own.
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

/* Nested messages of a tree, at most: packing a tree takes time by the square of its depth (4,000: under 0.1
 * s). */
#define SQL_DEPTH_MOST 4000

/*
 * Runs work(context) on a thread with a large stack and waits. libpg_query and our walks recurse with the
 * text, and libpg_query frees its memory when the thread that used it ends. On such a thread
 * (sql_batch_run()) the work runs at once. Nothing that recursed may call it: what is left of a stack is not
 * asked.
 */
void sql_big_stack_run(void (*work)(void *context), void *context);

/* Comments become spaces of equal length; an open comment stays. */
char *sql_comments_blank(Arena *arena, const char *text, size_t length);

/* "?" where a value is wanted becomes $1, $2 ... (?3 becomes $3); *ret_count how many. */
char *sql_question_marks_number(Arena *arena, const char *text, int *ret_count);

/* Tokens with literals replaced by "?", lists of them folded: for texts that do not parse. */
char *sql_tokens_normalize(Arena *arena, const char *text);

/*
 * tree.c: parsing into the arena. The result's tree is NULL when the text has no tree; then message says why
 * in libpg_query's words (NULL: it is nested too deeply) and position is the byte it means (-1: none). Call
 * within sql_big_stack_run().
 */
typedef struct SqlTreeResult {
    PgQuery__ParseResult *tree;
    const char *message;
    int position;
} SqlTreeResult;

SqlTreeResult sql_tree_parse(Arena *arena, const char *text);

/* Calls visit for the message and all below it, before their parts; visit returns false to leave the parts
 * out. */
typedef bool (*SqlTreeVisit)(const ProtobufCMessage *message, void *context);
void sql_tree_walk(const ProtobufCMessage *message, SqlTreeVisit visit, void *context);

/* The parts of one message, not their parts; for walks that recurse by themselves. */
typedef void (*SqlTreePart)(const ProtobufCMessage *part, void *context);
void sql_tree_parts(const ProtobufCMessage *message, SqlTreePart take, void *context);

#endif
