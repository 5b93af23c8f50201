// SPDX-License-Identifier: PostgreSQL
/*
 * PlanFacts: what the stored plans of a target's statements tell: where their time or cost goes by table, and
 * how far the planner's row counts were off.
 *
 * Of each statement the newest plan is taken, of PLANS_MOST statements at most, and none that is overlong.
 * Shares are of the scans' cost, or of their time where the plan was measured: what joins and sorts take is
 * spread over their tables by the same shares. Errors exist only where a plan has actual rows, which EXPLAIN
 * has with ANALYZE only. A plan that does not parse is passed over and counted.
 */
#ifndef FETTLE_WORKLOAD_PLAN_FACTS_H
#define FETTLE_WORKLOAD_PLAN_FACTS_H

#include "base/map.h"
#include "pg/connection.h"
#include "workload/facts.h"

#define PLANS_MOST ((size_t)2000)

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

typedef struct PlanFacts {
    PlanShares shares;
    PlanErrors errors;
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

/* |actual - expected| over the greater of both: 0 .. 1 */
double plan_error_of(const PlanError *error);

#endif
