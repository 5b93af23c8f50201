// SPDX-License-Identifier: PostgreSQL
#include "advise/index/index_advisor.h"

#include "advise/index/evidence.h"

static bool
index_advisor_run(const AdvisorContext *context, Advice *advice, Error *error)
{
    const CandidateSet *candidates = candidates_generate(context->arena, context, advice);
    Oracle *oracle = oracle_new(context->arena, context, candidates);
    SearchResult result = {0};
    return index_search(context->arena, context, candidates, oracle, &result, error) &&
           index_evidence(context, candidates, oracle, &result, advice, error);
}

const Advisor index_advisor = {
    .name = "index",
    .summary = "missing indexes of every kind, and those that a wider one replaces, for the whole workload",
    .run = index_advisor_run,
};
