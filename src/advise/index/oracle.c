// SPDX-License-Identifier: PostgreSQL
#include "advise/index/oracle.h"

#include <math.h>

typedef struct OracleAnswer {
    Bits set;
    Bits used;
    double cost;
} OracleAnswer;

VECTOR_DEFINE(OracleAnswerList, OracleAnswer);

struct Oracle {
    Arena *arena;
    const AdvisorContext *context;
    const CandidateSet *candidates;
    OracleAnswerList *answers; /* by statement */
    Bits *relevant;            /* by statement */
    Map *candidate_by_name;    /* what-if index name -> Candidate */
};

Oracle *
oracle_new(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates)
{
    Oracle *oracle = ARENA_NEW(arena, Oracle);
    size_t statements = context->workload->count;
    *oracle = (Oracle){.arena = arena, .context = context, .candidates = candidates};
    oracle->answers = ARENA_NEW_ARRAY(arena, OracleAnswerList, statements);
    oracle->relevant = ARENA_NEW_ARRAY(arena, Bits, statements);
    oracle->candidate_by_name = map_new(arena);
    for (size_t i = 0; i < candidates->count; i++)
        map_put(oracle->candidate_by_name, candidates->items[i]->whatif_name, candidates->items[i]);
    for (size_t q = 0; q < statements; q++) {
        oracle->relevant[q] = bits_new(arena, candidates->count);
        for (size_t i = 0; i < candidates->relevant[q].count; i++)
            bits_add(oracle->relevant[q], candidates->relevant[q].numbers[i]);
        OracleAnswer baseline = {.set = bits_new(arena, candidates->count),
                                 .used = bits_new(arena, candidates->count),
                                 .cost = context->workload->statements[q].baseline_cost};
        vector_push(arena, &oracle->answers[q], baseline);
    }
    return oracle;
}

size_t
oracle_candidate_count(const Oracle *oracle)
{
    return oracle->candidates->count;
}

/* The part of a set that matters to a statement: its relevant candidates, without those the server refused.
 */
static Bits
oracle_reduce(const Oracle *oracle, Arena *arena, size_t statement, Bits set)
{
    Bits reduced = bits_copy(arena, set);
    for (size_t i = 0; i < reduced.word_count; i++)
        reduced.words[i] &= oracle->relevant[statement].words[i];
    for (size_t i = 0; i < oracle->candidates->count; i++)
        if (bits_has(reduced, i) && oracle->candidates->items[i]->is_refused)
            bits_remove(reduced, i);
    return reduced;
}

static const OracleAnswer *
oracle_answer_exact(const Oracle *oracle, size_t statement, Bits set)
{
    const OracleAnswerList *answers = &oracle->answers[statement];
    for (size_t i = 0; i < answers->count; i++)
        if (bits_is_subset(answers->items[i].used, set) && bits_is_subset(set, answers->items[i].set))
            return &answers->items[i];
    return NULL;
}

OracleBounds
oracle_bounds(const Oracle *oracle, size_t statement, Bits set)
{
    ArenaMark mark = arena_mark(oracle->arena);
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswerList *answers = &oracle->answers[statement];
    OracleBounds bounds = {.low = 0, .high = oracle->context->workload->statements[statement].baseline_cost};
    for (size_t i = 0; i < answers->count; i++) {
        const OracleAnswer *answer = &answers->items[i];
        if (bits_is_subset(reduced, answer->set) && answer->cost > bounds.low)
            bounds.low = answer->cost;
        if (bits_is_subset(answer->used, reduced) && answer->cost < bounds.high)
            bounds.high = answer->cost;
    }
    if (bounds.low > bounds.high)
        bounds.low = bounds.high;
    arena_rewind(oracle->arena, mark);
    return bounds;
}

/* Makes the reduced set's indexes on the twin; sizes and refusals are noted on the candidates. */
static bool
oracle_present(Oracle *oracle, Bits set, Error *error)
{
    /* Its own arena: what the WhatIf keeps of this call lives in the shared one. */
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("what-if changes", 64 * 1024 * 1024);
    const CandidateSet *candidates = oracle->candidates;
    WhatIfChange *changes = ARENA_NEW_ARRAY(scratch, WhatIfChange, candidates->count + 1);
    Candidate **made = ARENA_NEW_ARRAY(scratch, Candidate *, candidates->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < candidates->count; i++) {
        Candidate *candidate = candidates->items[i];
        if (!bits_has(set, i) || candidate->is_refused)
            continue;
        made[count] = candidate;
        changes[count++] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX,
                                          .relation_id = candidate->relation->id,
                                          .name = candidate->whatif_name,
                                          .statement = candidate->whatif_statement};
    }
    WhatIfChangeResult *results = NULL;
    bool done = whatif_begin(oracle->context->whatif, scratch, changes, count, &results, error);
    for (size_t i = 0; done && i < count; i++) {
        made[i]->is_refused = !results[i].is_applied;
        if (results[i].is_applied)
            made[i]->size_bytes = results[i].size_bytes;
        else
            made[i]->reason = arena_strdup(oracle->context->arena, results[i].reason);
    }
    return done;
}

static Bits
oracle_used(const Oracle *oracle, Arena *arena, const WhatIfAnswer *answer)
{
    Bits used = bits_new(arena, oracle->candidates->count);
    for (size_t i = 0; i < answer->used_indexes.count; i++) {
        const Candidate *candidate = map_get(oracle->candidate_by_name, answer->used_indexes.items[i]);
        if (candidate != NULL)
            bits_add(used, candidate->number);
    }
    return used;
}

static bool
oracle_ask(Oracle *oracle, size_t statement, Bits set, bool with_plan, WhatIfAnswer *ret_answer, Error *error)
{
    const WorkloadStatement *subject = &oracle->context->workload->statements[statement];
    fettle_assert(subject->is_costed);
    return oracle_present(oracle, set, error) &&
           whatif_cost(oracle->context->whatif, oracle->arena, &subject->question, with_plan, ret_answer,
                       error);
}

bool
oracle_plan(Oracle *oracle, size_t statement, Bits set, WhatIfAnswer *ret_answer, Error *error)
{
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    return oracle_ask(oracle, statement, reduced, true, ret_answer, error);
}

bool
oracle_cost(Oracle *oracle, size_t statement, Bits set, bool direct, double *ret_cost, Bits *ret_used,
            Error *error)
{
    Bits reduced = oracle_reduce(oracle, oracle->arena, statement, set);
    const OracleAnswer *known = oracle_answer_exact(oracle, statement, reduced);
    OracleBounds bounds = oracle_bounds(oracle, statement, reduced);
    if (!direct && known == NULL && ret_used == NULL && bounds.high <= bounds.low * (1 + ORACLE_TOLERANCE)) {
        *ret_cost = bounds.high;
        return true;
    }
    if (direct || known == NULL) {
        WhatIfAnswer answer = {0};
        if (!oracle_ask(oracle, statement, reduced, false, &answer, error))
            return false;
        double baseline = oracle->context->workload->statements[statement].baseline_cost;
        OracleAnswer fresh = {.set = oracle_reduce(oracle, oracle->arena, statement, reduced),
                              .cost = answer.is_known ? answer.cost : baseline,
                              .used = oracle_used(oracle, oracle->arena, &answer)};
        vector_push(oracle->arena, &oracle->answers[statement], fresh);
        known = &oracle->answers[statement].items[oracle->answers[statement].count - 1];
    }
    *ret_cost = known->cost;
    if (ret_used != NULL)
        *ret_used = known->used;
    return true;
}
