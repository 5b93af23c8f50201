// SPDX-License-Identifier: PostgreSQL
/*
 * The analyser's parts: scope.c (names), expression.c (operands, canonical text, walking), predicate.c
 * (conditions), query.c (SELECT and the writing statements). One Analyzer per statement; it lives in the
 * caller's arena.
 */
#ifndef FETTLE_SQL_ANALYSIS_INTERNAL_H
#define FETTLE_SQL_ANALYSIS_INTERNAL_H

#include "base/list.h"
#include "sql/analysis.h"
#include "sql/statement_internal.h"

#define ANALYSIS_DEPTH_MOST 400
#define ANALYSIS_USES_MOST 512
#define ANALYSIS_PREDICATES_MOST 8192
#define ANALYSIS_VIEW_DEPTH_MOST 16

typedef PgQuery__Node Node;

/* A column of a base table occurrence; use -1: not one. */
typedef struct ColumnTarget {
    int use;
    int attnum;
} ColumnTarget;

/* One output column of a subquery, CTE or view. */
typedef struct Output {
    const char *name;
    ColumnTarget target;
} Output;

VECTOR_DEFINE(OutputList, Output);

typedef enum EntryKind { ENTRY_TABLE, ENTRY_SUBQUERY, ENTRY_OPAQUE } EntryKind;

typedef struct ScopeEntry {
    EntryKind kind;
    const char *schema; /* of a table named with its schema; NULL otherwise */
    const char *alias;
    int use;
    const SqlCatalogRelation *relation;
    OutputList outputs;      /* of ENTRY_SUBQUERY */
    TextList column_aliases; /* t (a, b): replaces the first names */
} ScopeEntry;

VECTOR_DEFINE(ScopeEntryList, ScopeEntry);

typedef struct ScopeCte {
    const char *name;
    OutputList outputs;
} ScopeCte;

VECTOR_DEFINE(ScopeCteList, ScopeCte);

/* One query level. */
typedef struct Scope {
    struct Scope *parent;
    int level;
    ScopeEntryList entries;
    ScopeCteList ctes;
} Scope;

typedef struct UseState {
    SqlRelationUse use;
    const SqlCatalogRelation *relation;
    bool *needed; /* by attnum */
    int attnum_most;
} UseState;

VECTOR_DEFINE(UseStateList, UseState);
VECTOR_DEFINE(PredicateList, SqlPredicate);
VECTOR_DEFINE(SortList, SqlSort);

typedef struct Analyzer {
    Arena *arena;
    const SqlCatalog *catalog;
    UseStateList uses;
    PredicateList predicates;
    SortList sorts;
    SqlAnalysis *result;
    int level_count;
    int or_group_count;
    int depth;
    int view_depth;
} Analyzer;

/* Recursion guard: false (and is_partial) at the bound. Pair with analyzer_leave(). */
bool analyzer_enter(Analyzer *analyzer);
void analyzer_leave(Analyzer *analyzer);

/* scope.c */
Scope *scope_new(Analyzer *analyzer, Scope *parent);
int scope_add_table(Analyzer *analyzer, Scope *scope, const SqlCatalogRelation *relation,
                    const PgQuery__RangeVar *range);
const ScopeCte *scope_cte_find(const Scope *scope, const char *name);
/* The column that the reference means; counts what cannot be resolved; marks it as needed. */
ColumnTarget scope_resolve(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference);
ColumnTarget scope_entry_column(const ScopeEntry *entry, const char *name);
void use_need(Analyzer *analyzer, ColumnTarget target);
void use_need_all(Analyzer *analyzer, int use);
const SqlCatalogColumn *target_column(const Analyzer *analyzer, ColumnTarget target);
void analyzer_unresolved(Analyzer *analyzer, const char *name);

/* expression.c */
typedef enum OperandKind {
    OPERAND_COLUMN,
    OPERAND_EXPRESSION,
    OPERAND_CONSTANT,
    OPERAND_PARAMETER,
    OPERAND_VALUE
} OperandKind;

typedef struct Operand {
    OperandKind kind;
    ColumnTarget target; /* of a column; use of an expression (attnum 0) */
    const char *expression;
    TextList expression_columns;
    bool is_immutable;
    const char *constant; /* SQL literal */
    const char *string;   /* the bare string of a string constant */
    int parameter;
    int other_use; /* OPERAND_VALUE that reads columns of one use: that use; else -1 */
} Operand;

/* Classifies one side of a condition, walks it (needed columns, subqueries) on the way. */
Operand operand_of(Analyzer *analyzer, Scope *scope, Node *node);
/* Marks needed columns, analyses subqueries, notes volatile functions. */
void expression_walk(Analyzer *analyzer, Scope *scope, Node *node);
void expression_walk_list(Analyzer *analyzer, Scope *scope, Node **nodes, size_t count);
const char *node_string(const Node *node); /* of a String node; NULL otherwise */

/* predicate.c */
void predicates_take(Analyzer *analyzer, Scope *scope, Node *condition);
void predicate_join_add(Analyzer *analyzer, const Scope *scope, ColumnTarget a, ColumnTarget b);

/* query.c */
void query_analyze(Analyzer *analyzer, Scope *parent, Node *query, OutputList *ret_outputs);
void query_select(Analyzer *analyzer, Scope *parent, const PgQuery__SelectStmt *select,
                  OutputList *ret_outputs);

/* from.c */
void from_take(Analyzer *analyzer, Scope *scope, Node *item, bool is_nullable);

/* sort.c */
void sorts_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select);

#endif
