// SPDX-License-Identifier: PostgreSQL
/*
 * Evidence from inside: what evidence.c (recommendations) and rejection.c share.
 */
#ifndef FETTLE_ADVISE_INDEX_EVIDENCE_INTERNAL_H
#define FETTLE_ADVISE_INDEX_EVIDENCE_INTERNAL_H

#include "advise/index/evidence.h"
#include "advise/index/write_cost.h"

typedef struct Evidence {
    const AdvisorContext *context;
    const CandidateSet *candidates;
    Oracle *oracle;
    const SearchResult *result;
    Advice *advice;
    Arena *arena;
    WhatIfAnswer *answers; /* by statement, under the chosen set; is_known false when not concerned */
    Bits *used;            /* by statement: chosen candidates its plan uses */
    Map *taken;            /* index names already given */
    const char **names;    /* by candidate: the name of its index; NULL when it is not chosen */
    WriteBeside chosen;    /* all that are recommended */
    Map *replaced;         /* existing indexes that a recommendation replaces already */
} Evidence;

/* Why a candidate that some plan used is not recommended. */
void evidence_reject_candidate(Evidence *evidence, const Candidate *candidate);

/* A foreign key without an index is the first thing that people look for: why it is left so. */
void evidence_reject_foreign_keys(Evidence *evidence);

/* Why a statement that matters gets nothing. */
void evidence_reject_statement(Evidence *evidence, const WorkloadStatement *statement);

#endif
