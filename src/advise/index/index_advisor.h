// SPDX-License-Identifier: PostgreSQL
/*
 * The index advisor: which indexes, of any kind, would make the whole workload cheaper.
 *
 * 1. candidate.h   index ideas from the clauses and the plan of each statement: a file for each family.
 * 2. oracle.h      cost of a statement under a set of candidates, asking the planner as seldom as possible.
 * 3. search.h      which set: harvest the efficient plans of each statement, then greedy choice by net gain
 * under a byte budget, then pruning.
 * 4. evidence.h    recommendations with statement, undo, effects and plans; rejections with their reasons.
 */
#ifndef FETTLE_ADVISE_INDEX_INDEX_ADVISOR_H
#define FETTLE_ADVISE_INDEX_INDEX_ADVISOR_H

#include "advise/advisor.h"

extern const Advisor index_advisor;

#endif
