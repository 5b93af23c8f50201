// SPDX-License-Identifier: PostgreSQL
/*
 * The analyser's parts. One Analyzer per statement; all it makes lives in the caller's arena.
 *
 *   query.c       SELECT and the writing statements, level by level      cte.c      WITH
 *   from.c        tables, views, subqueries, functions, joins            scope.c    which column a name means
 *   output.c      what a subquery's columns stand for                    sorts.c    ORDER BY, GROUP BY,
 * DISTINCT, OVER predicates.c  conditions                                             pattern.c  LIKE and
 * regular expressions operand.c     one side of a condition                                expression.c  its
 * canonical text
 *
 * Each node of the tree is analysed once: a subquery met twice would double the work at each level of
 * nesting. Every recursion goes through analyzer_enter(), which bounds depth and the sum of all steps.
 */
#ifndef FETTLE_SQL_ANALYSIS_INTERNAL_H
#define FETTLE_SQL_ANALYSIS_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "sql/analysis.h"
#include "sql/statement_internal.h"

#define ANALYSIS_DEPTH_MOST (4 * SQL_DEPTH_MOST)
#define ANALYSIS_STEPS_MOST 1000000
#define ANALYSIS_COMPARISONS_MOST 20000000
#define ANALYSIS_USES_MOST 512
#define ANALYSIS_PREDICATES_MOST 8192
#define ANALYSIS_SORTS_MOST 1024
#define ANALYSIS_OUTPUTS_MOST 50000
#define ANALYSIS_VIEW_DEPTH_MOST 16
#define ANALYSIS_VIEWS_MOST 128
#define ANALYSIS_EXPRESSION_BYTES_MOST 2000

typedef PgQuery__Node Node;

/* A column of a relation use; use -1: none. */
typedef struct ColumnTarget {
    int use;
    int attnum;
} ColumnTarget;

VECTOR_DEFINE(TargetList, ColumnTarget);

typedef struct UseSet {
    uint64_t words[ANALYSIS_USES_MOST / 64];
} UseSet;

/* How far down a condition on a subquery's column goes. */
typedef enum Reach {
    REACH_NONE,   /* not at all: LIMIT, a window, a materialised CTE stands between */
    REACH_FILTER, /* comparisons with values go down (GROUP BY, DISTINCT, UNION), joins do not */
    REACH_JOIN,   /* the planner pulls the subquery up: its column is the base column */
} Reach;

struct Operand;

/* One output column of a subquery, CTE or view. */
typedef struct Output {
    const char *name;
    ColumnTarget target;              /* the base column that it is */
    const TargetList *arms;           /* of a UNION: the other arms' base columns; NULL otherwise */
    const struct Operand *expression; /* a printable expression over one use; NULL otherwise */
    TargetList reads; /* base columns it is made from, to be needed once it is read; empty: target */
    Reach reach;
    int star_use; /* the use whose "*" it came from; -1 */
} Output;

typedef struct Outputs {
    Output *items;
    size_t count;
    size_t capacity;
    bool is_open; /* it has more columns than are known here */
} Outputs;

typedef enum EntryKind {
    ENTRY_TABLE,
    ENTRY_SUBQUERY, /* known by its outputs */
    ENTRY_OPAQUE,   /* a function, an unknown table, EXCLUDED: any qualified name is taken for a value */
} EntryKind;

/* One item of FROM. */
typedef struct ScopeEntry {
    EntryKind kind;
    const char *schema; /* of a table that has no alias; NULL otherwise */
    const char *alias;
    int use;
    const SqlCatalogRelation *relation;
    Outputs outputs;
    TextList column_aliases; /* t (a, b): replaces the first names */
    bool is_open;            /* a bare name that is found nowhere may be its column */
    bool is_hidden;          /* within a join that has an alias */
} ScopeEntry;

VECTOR_DEFINE(ScopeEntryList, ScopeEntry);

typedef struct ScopeCte {
    const char *name;
    Outputs outputs;
} ScopeCte;

VECTOR_DEFINE(ScopeCteList, ScopeCte);

/* A column that USING or NATURAL merged: its bare name means this. */
typedef struct ScopeMerge {
    Output output;
    size_t first_entry; /* of the join, */
    size_t past_entry;  /* and behind it */
} ScopeMerge;

VECTOR_DEFINE(ScopeMergeList, ScopeMerge);

typedef enum ScopeKind {
    SCOPE_TOP,
    SCOPE_FROM,     /* subquery in FROM, CTE */
    SCOPE_SEMIJOIN, /* EXISTS and IN that the planner turns into joins: outer columns take part in joins */
    SCOPE_VALUE,    /* any other subquery: outer columns are values to it */
} ScopeKind;

/* One query level. */
typedef struct Scope {
    struct Scope *parent;       /* for CTEs */
    struct Scope *names_parent; /* for columns */
    ScopeKind kind;
    int level;
    int depth;
    bool is_nullable; /* FROM items are on the nullable side of an outer join around */
    ScopeEntryList entries;
    size_t first_visible; /* ON sees its join's sides only */
    ScopeCteList ctes;
    ScopeMergeList merges;
    bool has_window;
    TargetList partitions; /* columns in every window's PARTITION BY */
} Scope;

typedef struct UseState {
    SqlRelationUse use;
    const SqlCatalogRelation *relation;
    bool *needed;     /* by attnum */
    unsigned *stamps; /* by attnum: the collection that has it */
    bool *written;    /* by attnum */
    int attnum_most;
} UseState;

VECTOR_DEFINE(UseStateList, UseState);
VECTOR_DEFINE(PredicateList, SqlPredicate);
VECTOR_DEFINE(SortList, SqlSort);

/* What an expression reads, noted while it is walked. They nest as expressions with subqueries do. */
typedef struct Touch {
    struct Touch *outer;
    int depth; /* of the scope that the expression stands in */
    UseSet uses;
    TextList names;   /* columns of this level, at most a few */
    bool is_derived;  /* reads rows that are no relation use's (function, VALUES, grouped subquery) */
    bool is_outer;    /* reads an outer level */
    bool is_pulled;   /* ... but only through levels that the planner turns into joins */
    bool is_volatile; /* calls a function that gives another value each time */
    Reach reach;      /* the least of all that is read */
} Touch;

typedef struct Analyzer {
    Arena *arena;
    const SqlCatalog *catalog;
    UseStateList uses;
    PredicateList predicates;
    SortList sorts;
    SqlAnalysis *result;
    Map *name_counts; /* how often each bare relation name stands in FROM */
    TargetList
        *collection; /* where needed columns are noted instead of being marked; NULL: they are marked */
    unsigned collection_number;
    Touch *touch;
    int level_count;
    int or_group_count;
    int depth;
    int view_depth;
    int view_count;
    size_t steps;
    size_t comparisons;
    size_t output_count;
} Analyzer;

/* Recursion guard: false (and is_partial) at a bound. Pair with analyzer_leave(). */
bool analyzer_enter(Analyzer *analyzer);
void analyzer_leave(Analyzer *analyzer);
void analyzer_unresolved(Analyzer *analyzer, const char *name);

const char *node_string(const Node *node); /* of a String node; NULL otherwise */
const char *names_last(Node *const *names, size_t count);
bool use_set_has(const UseSet *set, int use);
void use_set_add(UseSet *set, int use);

/* scope.c */
typedef enum ColumnKind {
    COLUMN_UNKNOWN,
    COLUMN_BASE,   /* target */
    COLUMN_OUTPUT, /* output */
    COLUMN_VALUE,  /* of an opaque entry */
    COLUMN_ROW,    /* entry as a whole */
    COLUMN_SYSTEM,
} ColumnKind;

/* What a column reference means. */
typedef struct Column {
    ColumnKind kind;
    ColumnTarget target;
    const Output *output;
    const ScopeEntry *entry;
    const Scope *scope; /* the level that it was found at */
    bool is_outer;
    bool is_pulled;
} Column;

Scope *scope_new(Analyzer *analyzer, Scope *parent, ScopeKind kind);
int scope_add_table(Analyzer *analyzer, Scope *scope, const SqlCatalogRelation *relation,
                    const PgQuery__RangeVar *range);
const ScopeCte *scope_cte_find(const Scope *scope, const char *name);
/* The meaning of a reference; notes nothing. */
Column scope_lookup(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference);
/* The same for a bare name within some entries of one level. */
Column scope_lookup_within(Analyzer *analyzer, const Scope *scope, size_t first, size_t past,
                           const char *name);
/* Looks up and notes: needed columns, what the expression touches, names that mean nothing. */
void scope_read(Analyzer *analyzer, const Scope *scope, const PgQuery__ColumnRef *reference);
void entry_need_all(Analyzer *analyzer, const ScopeEntry *entry);
void use_need(Analyzer *analyzer, ColumnTarget target);
void use_need_all(Analyzer *analyzer, int use);
const SqlCatalogColumn *target_column(const Analyzer *analyzer, ColumnTarget target);
bool reference_is_star(const PgQuery__ColumnRef *reference);

/* output.c */
Output output_of_base(const Analyzer *analyzer, const char *name, ColumnTarget target);
void output_push(Analyzer *analyzer, Outputs *outputs, Output output);
/* The columns of one entry, as "*" gives them. */
void outputs_of_entry(Analyzer *analyzer, const ScopeEntry *entry, Outputs *outputs);
/* The columns of "*" over some entries of a level: merged columns first. */
void outputs_of_entries(Analyzer *analyzer, const Scope *scope, size_t first, size_t past, Outputs *outputs);
void outputs_of_targets(Analyzer *analyzer, Scope *scope, Node **targets, size_t count, Outputs *outputs);
void outputs_limit_reach(Outputs *outputs, Reach most);
void output_need(Analyzer *analyzer, const Output *output);
void outputs_need(Analyzer *analyzer, const Outputs *outputs);

/* operand.c */
typedef enum OperandKind {
    OPERAND_COLUMN,
    OPERAND_EXPRESSION,
    OPERAND_CONSTANT,
    OPERAND_PARAMETER,
    OPERAND_VALUE,
} OperandKind;

typedef struct Operand {
    OperandKind kind;
    ColumnTarget target;    /* of a column; use of an expression (attnum 0) */
    const TargetList *arms; /* of a column of a UNION */
    const char *expression;
    TextList expression_columns;
    bool is_immutable;
    const char *constant; /* SQL literal */
    const char *string;   /* the bare string of a string constant */
    double list_length;   /* of a constant array; NAN */
    int parameter;
    Touch touch;
} Operand;

/* Classifies one side of a condition, and walks it (needed columns, subqueries). */
Operand operand_of(Analyzer *analyzer, Scope *scope, Node *node);
Operand operand_of_target(const Analyzer *analyzer, const Scope *scope, const Output *output);
bool operand_is_indexable(const Operand *operand);
/* Notes all that an expression reads and does, once. */
void expression_walk(Analyzer *analyzer, Scope *scope, Node *node);
void expression_walk_list(Analyzer *analyzer, Scope *scope, Node **nodes, size_t count);
void touch_begin(Analyzer *analyzer, const Scope *scope, Touch *touch);
void touch_end(Analyzer *analyzer);

/* expression.c: the canonical text of an expression over one relation use; false outside the printable
 * subset. */
typedef struct Printed {
    const char *text;
    TextList columns;
    int use;    /* -1: it reads no column */
    int attnum; /* when it is a bare column (a cast that changes nothing left out); 0 otherwise */
    bool is_outer;
    bool is_constant; /* literals and casts only */
    bool is_immutable;
    const char *string; /* of a string constant */
    double list_length; /* of an array constant; NAN */
} Printed;

bool expression_print(Analyzer *analyzer, const Scope *scope, const Node *node, Printed *ret_printed);

/* pattern.c: what an index could do with the right side of LIKE, ~ and SIMILAR TO. */
typedef enum PatternLanguage { PATTERN_LIKE, PATTERN_REGEX, PATTERN_SIMILAR } PatternLanguage;
SqlPredicateKind pattern_kind(const Node *pattern, PatternLanguage language);

/* predicates.c */
void predicates_take(Analyzer *analyzer, Scope *scope, Node *condition);
/* Conditions of ON: those on the preserved side alone filter nothing there. */
void predicates_take_on(Analyzer *analyzer, Scope *scope, Node *condition, const UseSet *preserved);
void predicates_take_having(Analyzer *analyzer, Scope *scope, Node *condition);
void predicate_join_add(Analyzer *analyzer, Scope *scope, const Output *left, const Output *right);

/* query.c */
void query_analyze(Analyzer *analyzer, Scope *parent, ScopeKind kind, Node *query, Outputs *ret_outputs);
void query_select(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, Outputs *ret_outputs);
/* Whether the planner makes the subquery part of the level around it. */
bool query_is_pulled_up(const Node *query);
void query_count_names(Analyzer *analyzer, const ProtobufCMessage *tree);

/* cte.c */
void with_take(Analyzer *analyzer, Scope *scope, const PgQuery__WithClause *with);

/* from.c */
void from_take(Analyzer *analyzer, Scope *scope, Node *item, bool is_nullable);

/* sorts.c */
void sorts_take(Analyzer *analyzer, Scope *scope, const PgQuery__SelectStmt *select, const Outputs *outputs);
void window_take(Analyzer *analyzer, Scope *scope, const PgQuery__WindowDef *window);

#endif
