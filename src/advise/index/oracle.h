// SPDX-License-Identifier: PostgreSQL
/*
 * Oracle: the planner's cost of a statement under a set of candidate indexes, asked as seldom as possible.
 *
 * Only a statement's relevant candidates matter to it. Every answer (S, U, c), "with S present the plan uses
 * U and costs c", bounds others: the planner is monotone, so cost(S') ≥ c for S' ⊆ S, and cost(S') ≤ c for U
 * ⊆ S'. When some answer has U ⊆ S' ⊆ S the cost is known; when the bounds meet within ORACLE_TOLERANCE it is
 * known too (Papadomanolakis, Dash and Ailamaki 2007, "Efficient use of the query optimizer for automated
 * physical design"). Small violations of monotony exist (ties, GEQO); the search verifies its final set by
 * direct questions.
 */
#ifndef FETTLE_ADVISE_INDEX_ORACLE_H
#define FETTLE_ADVISE_INDEX_ORACLE_H

#include "advise/index/bits.h"
#include "advise/index/candidate.h"

#define ORACLE_TOLERANCE 1e-4

typedef struct Oracle Oracle;

typedef struct OracleBounds {
    double low;
    double high;
} OracleBounds;

Oracle *oracle_new(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates);

/* Cost of a workload statement (by position) when the candidates of set exist; ret_used (may be NULL) gets
 * those its plan uses, when the planner was asked or an exact answer is at hand. direct asks the planner
 * whatever is cached. */
bool oracle_cost(Oracle *oracle, size_t statement, Bits set, bool direct, double *ret_cost, Bits *ret_used,
                 Error *error) FETTLE_MUST_USE;

/* What is known without asking. */
OracleBounds oracle_bounds(const Oracle *oracle, size_t statement, Bits set);

/* The plan under a set, for evidence; always asks. *ret_plan is NULL when it cannot be planned. */
bool oracle_plan(Oracle *oracle, size_t statement, Bits set, WhatIfAnswer *ret_answer, Error *error)
    FETTLE_MUST_USE;

size_t oracle_candidate_count(const Oracle *oracle);

#endif
