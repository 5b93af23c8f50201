// SPDX-License-Identifier: PostgreSQL
/*
 * Extend: what the index search is compared with.
 *
 * Schlosser, Kossmann and Boissier 2019, "Efficient scalable multi-attribute index selection using recursive
 * strategies", with the details of the implementation of Kossmann et al. 2020: from the empty set, again and
 * again the step with the most gain per byte that fits, of all steps that add an index on one column or
 * append a column to a chosen index; it ends when no step gains a third of a per cent.
 *
 * It asks the WhatIf about every statement that reads the step's table, under the set with the step made. The
 * WhatIf answers what it was asked before from its cache, as theirs does.
 */
#ifndef FETTLE_BENCH_INDEX_EXTEND_H
#define FETTLE_BENCH_INDEX_EXTEND_H

#include "advise/index/bits.h"
#include "advise/index/candidate.h"

typedef struct ExtendOptions {
    size_t width; /* columns of an index at most */
    double budget_bytes;
    double (*size_bytes)(const Candidate *candidate, const void *context); /* NULL: the twin's */
} ExtendOptions;

/* candidates must hold every permutation to the width (candidates_permute()). Their sizes are filled in. */
bool index_extend(const AdvisorContext *context, const CandidateSet *candidates, const ExtendOptions *options,
                  Bits *ret_chosen, Error *error) FETTLE_MUST_USE;

#endif
