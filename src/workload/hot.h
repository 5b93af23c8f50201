// SPDX-License-Identifier: PostgreSQL
/*
 * Hot objects: the tables, columns, joined pairs and statements that most of the time is spent on.
 *
 * A statement weighs the time it took in the window. A table's heat is the sum of its statements' time, each
 * by the share that its plan gives the table, or evenly split where no plan is kept (and then said so); a
 * column's is the time of the statements that have it in a role, times the role. Heat of columns and pairs is
 * for ordering: a statement's time is in each of its columns, so their shares do not add up.
 *
 * Change is the share now over the share in the window before: +30 % is medium, +50 % high, never for what
 * has less than 1 % of the time. What was not there before is new and has no change. Statements over system
 * catalogs only are left out. covered_share is the part of the time whose tables are known.
 *
 * Pure.
 */
#ifndef FETTLE_WORKLOAD_HOT_H
#define FETTLE_WORKLOAD_HOT_H

#include "workload/plan_facts.h"

#define HOT_MOST ((size_t)20)

typedef enum HotKind { HOT_TABLE, HOT_COLUMN, HOT_JOIN, HOT_STATEMENT, HOT_KINDS } HotKind;
const char *hot_kind_word(HotKind kind);

typedef struct HotObject {
    const char *database_name;
    const char *name;   /* "shop.orders", "orders.id", "a.x = b.y", a statement's text */
    int64_t query_hash; /* of a statement; 0 */
    const char *schema; /* of a table; NULL */
    const char *table;  /* of a table; NULL */
    double heat_ms;
    double share;         /* of the workload's time; 0 .. 1 */
    double share_before;  /* NAN: there is no window before */
    double change;        /* NAN: not known, or new */
    const char *severity; /* "medium", "high" of a rise; NULL */
    const char *evidence; /* "plan", "split evenly", "mixed" of a table; NULL */
    double statements;    /* that touch it */
} HotObject;

typedef struct HotObjects {
    HotObject *items[HOT_KINDS];
    size_t counts[HOT_KINDS];
    double total_ms;
    double covered_share;
    double concentration; /* share of the top 5 % of statements */
    bool is_guessed;      /* by the names as written, for some */
    size_t unparsed_count;
    size_t unresolved_count; /* statements with names that were not found */
} HotObjects;

typedef struct HotInput {
    const WorkloadTemplates *now;
    const StatementFacts *facts;     /* of now */
    const WorkloadTemplates *before; /* NULL: none */
    const StatementFacts *facts_before;
    const PlanBook *plans; /* NULL: none */
} HotInput;

/* most of each kind. */
void hot_find(Arena *arena, const HotInput *input, size_t most, HotObjects *ret_hot);

#endif
