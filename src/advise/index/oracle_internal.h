// SPDX-License-Identifier: PostgreSQL
/*
 * What the oracle's files share; for no other.
 *
 *   oracle.c   questions, answers, and what they bound
 *   descent.c  a set's cost, asked from above
 */
#ifndef FETTLE_ADVISE_INDEX_ORACLE_INTERNAL_H
#define FETTLE_ADVISE_INDEX_ORACLE_INTERNAL_H

#include "advise/index/oracle.h"

#include "base/map.h"

#define ORACLE_SCRATCH_BYTES ((size_t)64 << 20)

VECTOR_DEFINE(OracleAnswerList, OracleAnswer);

struct Oracle {
    Arena *arena;
    const AdvisorContext *context;
    const CandidateSet *candidates;
    OracleAnswerList *answers; /* by statement */
    Bits *relevant;            /* by statement */
    Bits *informing;           /* by statement */
    Bits refused;
    Map *candidate_by_name; /* what-if index name -> Candidate */
    Map *serving;           /* statement and candidate -> Bits, as oracle_serving() tells */
    double (*size_bytes)(const Candidate *candidate, const void *context); /* NULL: the twin's */
    const void *size_context;
    int64_t questions;
    OracleMendList mends;
    bool is_strict;
};

/* The part of a set that matters to a statement: its relevant candidates, without those the server refused.
 */
Bits oracle_reduce(const Oracle *oracle, Arena *arena, size_t statement, Bits set);

/* Did it know of the statement's expressions what the planner knows with the set, of what was present? */
bool oracle_is_as_informed(const OracleAnswer *answer, Bits set);

/* Does the set tell the planner of the statement's expressions? What an answer that knew more or less says a
 * plan costs is another matter. */
bool oracle_tells_of_expressions(const Oracle *oracle, size_t statement, Bits set);

/* Is the plan with more present the set's too? */
bool oracle_stands_for(const Oracle *oracle, const OracleAnswer *answer, Bits set);

/* Exactly the set, else what lies around it; of several the latest, which was asked the most directly. */
const OracleAnswer *oracle_answer_exact(const Oracle *oracle, size_t statement, Bits set);

/* The dearest answer with more than the set present: its best lower bound. Of several the least present. */
size_t oracle_answer_above(const Oracle *oracle, size_t statement, Bits set);

/* The candidates that do for the statement what the one does, itself included. */
Bits oracle_serving(const Oracle *oracle, size_t statement, size_t number);

/* Asks about a reduced set. */
bool oracle_learn(Oracle *oracle, size_t statement, Bits reduced, const OracleAnswer **ret_answer,
                  Error *error) FETTLE_MUST_USE;

#endif
