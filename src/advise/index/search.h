// SPDX-License-Identifier: PostgreSQL
/*
 * The search for a set of indexes.
 *
 * Minimise Σ weight × cost(statement, S) + Σ write cost(index in S), with Σ size ≤ budget. Three steps:
 *  - harvest: cost each statement with all of its candidates present, so that the planner itself picks; then
 * again with what it used removed, a few times. What no plan used is dropped from the search: a few hundred
 * questions replace tens of thousands.
 *  - greedy: add the move (a harvested candidate, or all that a harvested plan used together) with the best
 * net gain, per byte when there is a budget, until none gains (Schlosser, Kossmann, Boissier 2019 grow sets
 * alike).
 *  - prune: remove each index whose loss is not worth its write cost, and each that a longer one in the set
 * replaces. Gains under advise.gain_percent of a statement's cost do not count, so noise in the estimates
 * buys no index. Deterministic: the clock only stops it, and a feasible answer exists from the first greedy
 * step.
 */
#ifndef FETTLE_ADVISE_INDEX_SEARCH_H
#define FETTLE_ADVISE_INDEX_SEARCH_H

#include "advise/index/oracle.h"

typedef struct SearchResult {
    Bits chosen;
    Bits harvested;     /* candidates that some plan used */
    double *cost_after; /* by statement, verified by direct questions */
    bool is_stopped_early;
} SearchResult;

bool index_search(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
                  SearchResult *ret_result, Error *error) FETTLE_MUST_USE;

/* Gain of one statement in objective units when its cost falls from before to after: 0 for changes under the
 * threshold. */
double search_gain(const AdvisorContext *context, const WorkloadStatement *statement, double before,
                   double after);

#endif
