// SPDX-License-Identifier: PostgreSQL
/*
 * PlanFacts: what the stored plans of a target's statements tell: where their time or cost goes by table, and
 * how far the planner's row counts were off.
 *
 * Of each statement the newest plan is taken, of PLANS_MOST statements at most, and none that is overlong.
 * Shares are of the scans' cost, or of their time where the plan was measured: what joins and sorts take is
 * spread over their tables by the same shares. Errors exist only where a plan has actual rows, which EXPLAIN
 * has with ANALYZE only. A plan that does not parse is passed over and counted.
 *
 * What stands below a LIMIT, in an EXISTS or on the inner side of a nested loop that asks for one match only,
 * with nothing between them that reads all its rows, may end early: unless it was measured, nothing is told
 * of how many rows it reads (is_cut), and its planned rows are never compared with those that came. Row
 * counts of parallel parts are of all workers together.
 */
#ifndef FETTLE_WORKLOAD_PLAN_FACTS_H
#define FETTLE_WORKLOAD_PLAN_FACTS_H

#include "base/map.h"
#include "pg/connection.h"
#include "workload/facts.h"

#define PLANS_MOST ((size_t)2000)
#define PLAN_SCANS_MOST ((size_t)256) /* of one plan */

typedef struct PlanShare {
    const char *table; /* plans name it without its schema */
    double share;      /* of the plan's scans, 0 .. 1 */
    double rows_read;
} PlanShare;

VECTOR_DEFINE(PlanShares, PlanShare);

/* A scan of which both are known. */
typedef struct PlanError {
    const char *table;
    const char *condition; /* filter or index condition; NULL: none */
    double rows_expected;
    double rows_actual;
} PlanError;

VECTOR_DEFINE(PlanErrors, PlanError);

/* A scan of a table, by an index or of all of it. */
typedef struct PlanScan {
    const char *table;     /* plans name it without its schema */
    const char *index;     /* NULL: none, a sequential scan, or several at once */
    const char *condition; /* of the index, of several at once all of it; NULL: none */
    const char *filter;    /* NULL: none */
    bool is_sequential;
    bool is_cut;
    double rows_kept;     /* of one loop, as found, else as expected; NAN: not known */
    double rows_read;     /* of one loop, the filter's included; NAN: not measured */
    double rows_of_index; /* that the planner expects of a bitmap's index; NAN: not known */
} PlanScan;

VECTOR_DEFINE(PlanScans, PlanScan);

typedef struct PlanFacts {
    PlanShares shares;
    PlanErrors errors;
    PlanScans scans;      /* PLAN_SCANS_MOST of them at most */
    bool has_more_scans;  /* there are more */
    bool is_guessed;      /* a function's rows, a condition on groups or the like stands in rows_expected */
    double rows_nested;   /* of the nested loop that yields most; 0: none that is known */
    double rows_expected; /* that the planner thought it returns; NAN: not known */
    double rows_returned;
    double rows_read;
    double rows_sequential; /* of the greatest sequential scan */
} PlanFacts;

typedef struct PlanBook {
    Map *plans; /* PlanFacts *, by database and hash: plan_facts_find() */
    Arena *arena;
    size_t unreadable_count;
} PlanBook;

bool plan_book_read(PgConnection *session, Arena *arena, int64_t target_id, PlanBook *ret_book, Error *error)
    FETTLE_MUST_USE;
/* Pure: takes in one plan; the first of its statement stays. */
void plan_book_add(PlanBook *book, const char *database_name, int64_t query_hash, const char *plan_json);
const PlanFacts *plan_facts_find(const PlanBook *book, const char *database_name, int64_t query_hash);

/* Whether a condition of a plan names the column. */
bool plan_condition_names(const char *condition, const char *column);

/* Whether it is "column = value", or several of them, ANDed: what the planner knows the share of without the
 * value. No list or pattern, no bound, no expression but a column cast to text. */
bool plan_condition_is_equality(const char *condition);

/* |actual - expected| over the greater of both: 0 .. 1 */
double plan_error_of(const PlanError *error);

#endif
