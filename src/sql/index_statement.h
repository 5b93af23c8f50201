// SPDX-License-Identifier: PostgreSQL
/*
 * SqlIndexStatement: a CREATE INDEX taken apart, and put together again so that it can be run on a database
 * in use.
 *
 * What is run on somebody's database comes from a stored recommendation, from a person or from
 * pg_get_indexdef(): a text. sql_index_statement_parse() accepts exactly one CREATE INDEX on one plain table
 * and nothing else. The definition behind the table's name stays byte for byte as it was (a deparser could
 * change its meaning); what stands before it is written anew, with CONCURRENTLY, IF NOT EXISTS and quoted
 * names.
 *
 *     sql_index_statement_parse(arena, "create index on t (a)", &(SqlIndexNames){.schema = "s", .name = "i"},
 *                               &index, error)
 *     index.text is CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t (a)
 *
 * shape is for comparing: two statements that make the same index under whatever name, in whatever
 * tablespace, have equal shapes (an ASC, a quote that is not needed, white space, an unsaid "USING btree"
 * make no difference). Unequal shapes may still mean the same (the server writes "a > 5" as "a >
 * (5)::numeric"); equal ones never differ. outline is for recognising: method, uniqueness, plain key and
 * INCLUDE names, and whether there are expressions and a predicate; it is equal for a statement and what the
 * server made of it. Thread-safe.
 */
#ifndef FETTLE_SQL_INDEX_STATEMENT_H
#define FETTLE_SQL_INDEX_STATEMENT_H

#include "base/error.h"
#include "base/list.h"

/* What the text leaves open, or is to be replaced. */
typedef struct SqlIndexNames {
    const char *schema; /* of the table, where the text names none; NULL: then the text must name one */
    const char *name;   /* of the index, in place of the text's; NULL: then the text must name it */
} SqlIndexNames;

typedef struct SqlIndexStatement {
    const char *schema;
    const char *table;
    const char *name;
    const char *method; /* "btree" when the text names none */
    bool is_unique;
    bool has_expression;    /* among its keys */
    TextList columns;       /* keys as written: names without quotes, "lower(email)", "created_at DESC" */
    TextList included;      /* names of INCLUDE */
    const char *tablespace; /* NULL: where the session's default_tablespace says */
    const char *predicate;  /* as written behind WHERE; NULL: of all rows */
    TextList class_schemas; /* of the operator classes that it names; "pg_catalog" where it names no schema */
    TextList class_names;   /* of the same */
    TextList operands;  /* columns beside an operator without a schema, in an expression or the predicate */
    TextList operators; /* of the same */
    const char *probe;  /* a SELECT of its columns, expressions and predicate; NULL: there is none */
    const char *tail;   /* the definition behind the table's name, as written */
    const char *text;   /* CREATE [UNIQUE] INDEX CONCURRENTLY IF NOT EXISTS ... */
    const char *shape;
    const char *outline;
} SqlIndexStatement;

/* ERROR_INPUT for anything but one CREATE INDEX; ERROR_UNSUPPORTED for ON ONLY. */
bool sql_index_statement_parse(Arena *arena, const char *text, const SqlIndexNames *names,
                               SqlIndexStatement *ret_statement, Error *error) FETTLE_MUST_USE;

/* Whether text is one statement that gives the index its comment, or the number of statistics of one of its
 * columns, and nothing else: a part of an index that no CREATE INDEX says. */
bool sql_index_mark_is(Arena *arena, const char *text, const char *schema, const char *name);

#endif
