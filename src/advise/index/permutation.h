// SPDX-License-Identifier: PostgreSQL
/*
 * Permutations: every B-tree of at most so many key columns over the columns that a statement reads of a
 * table, in every order.
 *
 * The whole space that published algorithms for choosing indexes search (Kossmann et al. 2020, "Magic mirror
 * in my hand, which is the best in the land?"), so that a search can be measured against them. It grows with
 * the columns to the power of the width: candidate.h makes the few that clauses ask for.
 */
#ifndef FETTLE_ADVISE_INDEX_PERMUTATION_H
#define FETTLE_ADVISE_INDEX_PERMUTATION_H

#include "advise/index/candidate.h"

/* Relevant to a statement are those of its permutations whose every key's order serves one of its predicates
 * or sorts, and those that cover all that it reads of the table: another is dominated by a shorter one. Ends
 * with PERMUTATIONS_MOST; what exists already is left out. */
#define PERMUTATIONS_MOST 20000
const CandidateSet *candidates_permute(Arena *arena, const AdvisorContext *context, size_t width);

#endif
