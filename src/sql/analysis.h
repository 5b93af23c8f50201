// SPDX-License-Identifier: PostgreSQL
/*
 * SqlAnalysis: which columns of which relations stand in which clause of a statement.
 *
 * Names are resolved against a SqlCatalog through aliases, subqueries, CTEs, views, joins with USING, LATERAL
 * and correlation (an unqualified name binds to the innermost level first). Each occurrence of a base table
 * is a SqlRelationUse; predicates and sort lists point to it by position, so a table that stands twice in a
 * join is two uses. What cannot be resolved (unknown table, function in FROM) is left out and counted, never
 * guessed. Recursion is bounded; beyond the bound the analysis says is_partial.
 */
#ifndef FETTLE_SQL_ANALYSIS_H
#define FETTLE_SQL_ANALYSIS_H

#include "sql/catalog.h"
#include "sql/statement.h"

typedef enum SqlPredicateKind {
    SQL_PREDICATE_EQUAL,     /* column = value */
    SQL_PREDICATE_IN,        /* column IN (...), = ANY(...) */
    SQL_PREDICATE_RANGE,     /* < <= > >=, BETWEEN (one predicate per bound) */
    SQL_PREDICATE_NOT_EQUAL, /* <>, NOT IN */
    SQL_PREDICATE_IS_NULL,
    SQL_PREDICATE_IS_NOT_NULL,
    SQL_PREDICATE_BOOLEAN,      /* a bare boolean column, IS TRUE, NOT column */
    SQL_PREDICATE_LIKE_PREFIX,  /* LIKE/regex/starts_with with a fixed, anchored prefix */
    SQL_PREDICATE_LIKE_UNKNOWN, /* pattern is a parameter */
    SQL_PREDICATE_LIKE_ANY,     /* LIKE/ILIKE/regex without a fixed prefix, or ILIKE at all */
    SQL_PREDICATE_CONTAINS,     /* @> <@ && ? ?| ?& over jsonb, arrays, ranges */
    SQL_PREDICATE_FULL_TEXT,    /* @@ */
    SQL_PREDICATE_JOIN,         /* column = column of another relation use */
    SQL_PREDICATE_JOIN_RANGE,   /* column < column of another relation use, and the like */
    SQL_PREDICATE_OTHER,        /* an operator or function that no index kind here serves */
} SqlPredicateKind;

typedef struct SqlRelationUse {
    uint32_t relation_id;
    const char *schema;
    const char *name;
    const char *alias;         /* as the statement calls it */
    int level;                 /* query level number, unique per (sub)select; 0 is the outermost */
    bool is_write_target;      /* of INSERT, UPDATE, DELETE, MERGE */
    bool is_nullable_side;     /* of an outer join */
    bool needs_all_columns;    /* SELECT *, whole-row reference */
    const int *needed_columns; /* attnums read anywhere in the statement, ascending, each once */
    size_t needed_column_count;
    const int *written_columns; /* attnums set by UPDATE/INSERT; empty for others */
    size_t written_column_count;
} SqlRelationUse;

/* Is the column read through this use? */
static inline bool
sql_use_needs_column(const SqlRelationUse *use, int attnum)
{
    bool needs = use->needs_all_columns;
    for (size_t i = 0; i < use->needed_column_count && !needs; i++)
        needs = use->needed_columns[i] == attnum;
    return needs;
}

typedef struct SqlPredicate {
    int use;                /* position in SqlAnalysis.uses */
    int column;             /* attnum; 0 when an expression stands there */
    const char *expression; /* canonical SQL of the indexed side when it is not a bare column: "lower(email)",
                               "attributes ->> 'k'" */
    TextList expression_columns; /* names of the columns within the expression */
    SqlPredicateKind kind;
    const char *operator_name;    /* "=", "<", "~~", "@>" */
    bool is_expression_immutable; /* as far as known; false when a function in it is not known to be immutable
                                   */
    bool is_under_or;             /* part of an OR: serves an index only together with its siblings */
    int or_group;                 /* predicates under one OR share a number > 0 */
    int level;
    int parameter; /* $n on the other side; 0 when it is not a bare parameter */
    const char
        *constant;      /* SQL literal on the other side, e.g. 'done' or 42; NULL when it is not a constant */
    TextList constants; /* the literals of IN, = ANY, NOT IN or <> ALL; empty when not all of them are */
    int join_use; /* other side's relation use; -1 when none (a join with a function's or a grouped subquery's
                     rows too) */
    int join_column;       /* its attnum; 0 when an expression */
    double in_list_length; /* of IN; NAN when not known */
} SqlPredicate;

/* min(x) and max(x) without GROUP BY are told as ORDER BY x LIMIT 1: an index's end answers them. */
typedef enum SqlSortKind { SQL_SORT_ORDER, SQL_SORT_GROUP, SQL_SORT_DISTINCT, SQL_SORT_WINDOW } SqlSortKind;

typedef struct SqlSortKey {
    int use;    /* -1 when it is not of one base relation */
    int column; /* attnum; 0 for an expression */
    const char *expression;
    bool is_descending;
    bool is_nulls_first; /* after defaults are applied: true for DESC without NULLS LAST */
} SqlSortKey;

typedef struct SqlSort {
    SqlSortKind kind;
    int level;
    const SqlSortKey *keys;
    size_t key_count;
    bool has_limit;    /* LIMIT or FETCH FIRST at this level */
    double limit_rows; /* NAN when not a constant */
} SqlSort;

typedef struct SqlAnalysis {
    SqlKind kind;
    const SqlRelationUse *uses;
    size_t use_count;
    const SqlPredicate *predicates;
    size_t predicate_count;
    const SqlSort *sorts;
    size_t sort_count;
    size_t unresolved_count;      /* names that no relation or column was found for */
    const char *unresolved_first; /* the first of them, for people; NULL when none */
    bool is_partial;              /* a bound was reached: what is here is true but not all */
    bool has_volatile_function;
} SqlAnalysis;

/* Analyses a parsed statement; never NULL. For unparsed and utility statements all lists are empty (EXPLAIN,
 * PREPARE, CREATE TABLE AS, DECLARE CURSOR, COPY of a query are looked into). */
const SqlAnalysis *sql_analyze(Arena *arena, const SqlStatement *statement, const SqlCatalog *catalog);

const char *sql_predicate_kind_word(SqlPredicateKind kind);

#endif
