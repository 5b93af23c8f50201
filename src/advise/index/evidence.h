// SPDX-License-Identifier: PostgreSQL
/*
 * Evidence: turns the search's answer into recommendations and rejections that a person can check.
 *
 * The gain of a statement whose plan uses several new indexes is shared by what each is worth, so that the
 * recommendations add up to the whole. Plans before and after are kept for the statements that change most.
 * After the deadline nothing is asked: the search's answers are told without plans, nothing is replaced, and
 * how many statements the planner was not asked about is told.
 */
#ifndef FETTLE_ADVISE_INDEX_EVIDENCE_H
#define FETTLE_ADVISE_INDEX_EVIDENCE_H

#include "advise/index/search.h"

bool index_evidence(const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
                    const SearchResult *result, Advice *advice, Error *error) FETTLE_MUST_USE;

#endif
