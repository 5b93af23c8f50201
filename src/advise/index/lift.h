// SPDX-License-Identifier: PostgreSQL
/*
 * Makes answers of the proof say more.
 *
 * Asked about a choice, the planner tells what a statement costs with nothing else present: that refutes this
 * choice and what is less, and the next one is another by an index that changes nothing. So it is asked once
 * more with all indexes but a few: of each cheaper plan that is known one index is missing that the choice
 * lacks, as few as may be. If that costs what the choice does, nothing that lacks those few costs less; if
 * less, the planner has told of another plan, of which one more index must go. (Strengthened cuts of a
 * decomposition; what is missing is a hitting set of the plans, as in Davies and Bacchus 2011, "Solving
 * MAXSAT by solving a sequence of simpler SAT instances".)
 */
#ifndef FETTLE_ADVISE_INDEX_LIFT_H
#define FETTLE_ADVISE_INDEX_LIFT_H

#include "advise/index/search_state.h"

/* Answers so far, by statement. */
size_t *search_answer_counts(const Search *search, Arena *arena);

/* Asks more about the statements that have more answers than counts says: those about the set. */
bool search_lift(Search *search, Bits set, const size_t *counts, Error *error) FETTLE_MUST_USE;

#endif
