// SPDX-License-Identifier: PostgreSQL
#include "index_extend.h"

#include <math.h>

#define GAIN_LEAST 1.003 /* cost before over cost after */

typedef struct Extend {
    Arena *arena;
    const AdvisorContext *context;
    const CandidateSet *candidates;
    const ExtendOptions *options;
    Bits chosen;
    double bytes;
    double *cost; /* by statement, under chosen */
    double total;
} Extend;

/* A step: what it adds and what that replaces. */
typedef struct ExtendStep {
    Bits set;
    double bytes;
    double *cost;
    double total;
    double ratio;
} ExtendStep;

static bool
reads_table(const WorkloadStatement *statement, const SnapshotRelation *relation)
{
    for (size_t i = 0; i < statement->question.relation_count; i++)
        if (statement->question.relation_ids[i] == relation->id)
            return true;
    return false;
}

static bool
extend_present(Extend *extend, Arena *scratch, Bits set, Error *error)
{
    WhatIfChange *changes = ARENA_NEW_ARRAY(scratch, WhatIfChange, bits_count(set) + 1);
    Candidate **made = ARENA_NEW_ARRAY(scratch, Candidate *, bits_count(set) + 1);
    WhatIfChangeResult *results;
    size_t count = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1)) {
        made[count] = extend->candidates->items[i];
        changes[count++] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX,
                                          .relation_id = extend->candidates->items[i]->relation->id,
                                          .name = extend->candidates->items[i]->whatif_name,
                                          .statement = extend->candidates->items[i]->whatif_statement};
    }
    if (!whatif_begin(extend->context->whatif, scratch, changes, count, &results, error))
        return false;
    for (size_t i = 0; i < count; i++) {
        made[i]->is_refused = !results[i].is_applied;
        made[i]->size_bytes = extend->options->size_bytes != NULL ? extend->options->size_bytes(made[i], NULL)
                                                                  : results[i].size_bytes;
    }
    return true;
}

static double
set_bytes(const Extend *extend, Bits set)
{
    double bytes = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        if (!isnan(extend->candidates->items[i]->size_bytes))
            bytes += extend->candidates->items[i]->size_bytes;
    return bytes;
}

/* Tries one step, and keeps it when it is the best so far. replaced: SIZE_MAX none. */
static bool
extend_try(Extend *extend, size_t added, size_t replaced, ExtendStep *best, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("extend step", (size_t)256 << 20);
    const Workload *workload = extend->context->workload;
    ExtendStep step = {.set = bits_copy(extend->arena, extend->chosen),
                       .cost = ARENA_NEW_ARRAY(extend->arena, double, workload->count + 1)};
    if (replaced != SIZE_MAX)
        bits_remove(step.set, replaced);
    bits_add(step.set, added);
    if (extend->options->size_bytes != NULL)
        extend->candidates->items[added]->size_bytes =
            extend->options->size_bytes(extend->candidates->items[added], NULL);
    if (set_bytes(extend, step.set) > extend->options->budget_bytes)
        return true;
    if (!extend_present(extend, scratch, step.set, error))
        return false;
    step.bytes = set_bytes(extend, step.set);
    if (step.bytes > extend->options->budget_bytes || extend->candidates->items[added]->is_refused)
        return true;
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        step.cost[q] = extend->cost[q];
        if (!statement->is_costed)
            continue;
        if (reads_table(statement, extend->candidates->items[added]->relation)) {
            WhatIfAnswer answer;
            if (!whatif_cost(extend->context->whatif, scratch, &statement->question, false, &answer, error))
                return false;
            step.cost[q] = answer.is_known ? answer.cost : statement->baseline_cost;
        }
        step.total += step.cost[q];
    }
    double grown = fmax(step.bytes - extend->bytes, 8192);
    step.ratio = (extend->total - step.total) / grown;
    if (extend->total / step.total > GAIN_LEAST && step.ratio > best->ratio)
        *best = step;
    return true;
}

/* Is longer one column more than the candidate? */
static bool
is_extension(const Candidate *longer, const Candidate *candidate)
{
    return longer->key_count == candidate->key_count + 1 && candidate_is_prefix(candidate, longer);
}

static bool
extend_step(Extend *extend, ExtendStep *best, Error *error)
{
    for (size_t i = 0; i < extend->candidates->count; i++) {
        const Candidate *candidate = extend->candidates->items[i];
        if (bits_has(extend->chosen, i) || candidate->key_count > extend->options->width)
            continue;
        if (candidate->key_count == 1 && !extend_try(extend, i, SIZE_MAX, best, error))
            return false;
        for (size_t k = bits_next(extend->chosen, 0); k != SIZE_MAX; k = bits_next(extend->chosen, k + 1))
            if (is_extension(candidate, extend->candidates->items[k]) &&
                !extend_try(extend, i, k, best, error))
                return false;
    }
    return true;
}

bool
index_extend(const AdvisorContext *context, const CandidateSet *candidates, const ExtendOptions *options,
             Bits *ret_chosen, Error *error)
{
    const Workload *workload = context->workload;
    Extend extend = {.arena = context->arena, .context = context, .candidates = candidates};
    extend.options = options;
    extend.chosen = bits_new(context->arena, candidates->count);
    extend.cost = ARENA_NEW_ARRAY(context->arena, double, workload->count + 1);
    for (size_t q = 0; q < workload->count; q++) {
        extend.cost[q] = workload->statements[q].baseline_cost;
        extend.total += workload->statements[q].is_costed ? extend.cost[q] : 0;
    }
    while (!deadline_passed(context->deadline)) {
        ExtendStep best = {0};
        if (!extend_step(&extend, &best, error))
            return false;
        if (best.ratio <= 0)
            break;
        extend.chosen = best.set;
        extend.bytes = best.bytes;
        extend.cost = best.cost;
        extend.total = best.total;
    }
    *ret_chosen = extend.chosen;
    return true;
}
