// SPDX-License-Identifier: PostgreSQL
/*
 * The search for a set of indexes.
 *
 * Minimise Σ value(statement, cost under S) + Σ (write cost + least gain) over the indexes of S, with Σ size
 * within the budget and each table's. Rooms, each with a file:
 *  - harvest: cost each statement with all of its candidates present, so that the planner itself picks; then
 * again without what it used, a few times. A few hundred questions find the plans that matter.
 *  - affordable: of a statement that is most of the workload, the cheapest plan that the budgets allow.
 *  - program: a 0/1 program over those plans chooses a set; what the planner makes of the set teaches new
 * plans, and the program chooses again until nothing new is learned.
 *  - local search: add, drop, exchange one index, where what is known does not rule a gain out.
 *  - bound: what no set can be below, by a program over the planner's lower bounds; where it would choose
 * another set, that set is asked about: either it is better, or the bound rises.
 *  - review: indexes that tempt the planner into plans that may be far dearer than it believes are tried to
 * be done without.
 *  - spare: without a budget, what a much smaller index or none does nearly as well gives way to that.
 *
 * Deterministic: the clock only stops it, and a feasible answer exists from the first. Gains under
 * advise.gain_percent of a statement's cost do not count, and an index must gain advise.index_percent of the
 * workload, somewhat more when it is large or has many columns, so that noise in the estimates buys no index.
 * The final set is verified by direct questions, as far as the time goes; not about a statement that used
 * none of it with more present.
 */
#ifndef FETTLE_ADVISE_INDEX_SEARCH_H
#define FETTLE_ADVISE_INDEX_SEARCH_H

#include "advise/index/oracle.h"

/* A set better than those before it: its objective at most, and what it took to find it. */
typedef struct SearchImprovement {
    double value;
    int64_t questions;
    int64_t us;
} SearchImprovement;

VECTOR_DEFINE(SearchImprovementList, SearchImprovement);

typedef struct SearchResult {
    Bits chosen;
    Bits harvested; /* candidates that some plan used */
    Bits avoided;   /* left out by the review, for what they may lose */
    Bits crossed;   /* of those: because plans would cross them with others in vain (caution.h) */
    Bits risky;     /* in some set they made a plan hope for more than is likely */
    double
        *cost_after; /* by statement: by direct questions, or at most that where there was no time for one */
    bool *is_verified; /* by statement: by a direct question, or none is needed */
    double value;      /* objective of chosen */
    double bound;      /* no set of the candidates has less, as far as the planner is monotone; 0: unknown */
    double
        gap_percent;  /* of value over bound; NAN: no bound was reached, or the planner's answers refute it */
    bool is_cautious; /* the review changed the set: the planner's costs may prefer another */
    size_t unreviewed_count;       /* statements whose plans the time did not suffice to review */
    size_t unreviewed_index_count; /* chosen, with a risk that no remedy was sought for */
    int solver_failures; /* 0/1 programs unsolved because the solver failed: neither chosen nor bounded by it
                          */
    const char *solver_reason;          /* of the last, solved by another try or not; NULL */
    SearchImprovementList improvements; /* before a review; of a set that came out dearer, and is searched
                                         * again, the next may be no better */
    bool is_stopped_early;
} SearchResult;

bool index_search(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
                  SearchResult *ret_result, Error *error) FETTLE_MUST_USE;

/* The gap that may be printed beside what the planner says of the chosen set in the end (by statement):
 * gap_percent, or NAN where it contradicts a cost that the gap was computed with. */
double search_gap_confirmed(const SearchResult *result, const Workload *workload,
                            const WhatIfAnswer *answers);

/* What a statement at a cost adds to the objective: weight × cost, where a change under the threshold is
 * none. */
double search_value(const AdvisorContext *context, const WorkloadStatement *statement, double cost);

/* Bytes that the new indexes of each table may have; INFINITY: no limit. */
double search_table_budget(const AdvisorContext *context);

/* Gain of one statement in objective units when its cost falls from before to after. */
double search_gain(const AdvisorContext *context, const WorkloadStatement *statement, double before,
                   double after);

#endif
