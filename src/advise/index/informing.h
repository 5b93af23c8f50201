// SPDX-License-Identifier: PostgreSQL
/*
 * Candidates that tell the planner of an expression.
 *
 * An index on an expression brings statistics of it, so that the planner takes a condition on that for as
 * many rows as it has, instead of 0.5 % of them. Every plan of the statement is then thought to cost another,
 * those too that do not use the index: what it costs with such an index says nothing of what it costs without
 * any.
 */
#ifndef FETTLE_ADVISE_INDEX_INFORMING_H
#define FETTLE_ADVISE_INDEX_INFORMING_H

#include "advise/index/bits.h"
#include "advise/index/candidate.h"

/* Those on an expression that the statement compares, sorts or groups by. Of partial indexes the planner
 * takes no statistics. */
Bits candidates_informing(Arena *arena, const CandidateSet *candidates, const SqlAnalysis *analysis);

#endif
