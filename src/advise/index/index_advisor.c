// SPDX-License-Identifier: PostgreSQL
#include "advise/index/index_advisor.h"

#include "advise/index/evidence.h"

/* Of the time there is, for the plans that people will look at. */
#define EVIDENCE_TIME_SHARE 0.1

static Deadline
search_deadline(Deadline deadline)
{
    if (deadline == DEADLINE_NEVER)
        return deadline;
    return deadline_after_ms((int64_t)(deadline_left_ms(deadline) * (1 - EVIDENCE_TIME_SHARE)));
}

static bool
index_advisor_run(const AdvisorContext *context, Advice *advice, Error *error)
{
    const CandidateSet *candidates = candidates_generate(context->arena, context, advice);
    Oracle *oracle = oracle_new(context->arena, context, candidates);
    SearchResult result = {0};
    AdvisorContext search_context = *context;
    search_context.deadline = search_deadline(context->deadline);
    return index_search(context->arena, &search_context, candidates, oracle, &result, error) &&
           index_evidence(context, candidates, oracle, &result, advice, error);
}

const Advisor index_advisor = {
    .name = "index",
    .summary = "missing indexes of every kind, and those that a wider one replaces, for the whole workload",
    .run = index_advisor_run,
};
