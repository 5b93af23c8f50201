// SPDX-License-Identifier: PostgreSQL
#include "advise/index/replacement.h"

#include <math.h>
#include <string.h>

static size_t
key_count_of(const SnapshotIndex *index)
{
    size_t count = 0;
    while (count < index->column_count && !index->columns[count].is_included)
        count++;
    return count;
}

static bool
candidate_holds_included(const Candidate *candidate, const SnapshotIndex *index)
{
    for (size_t i = key_count_of(index); i < index->column_count; i++) {
        bool is_held = candidate_columns_have(candidate->included, index->columns[i].attnum);
        for (size_t k = 0; k < candidate->key_count; k++)
            is_held = is_held || candidate->keys[k].attnum == index->columns[i].attnum;
        if (!is_held)
            return false;
    }
    return true;
}

bool
index_is_replaceable(const SnapshotIndex *index, const Candidate *candidate)
{
    bool is_needed = index->is_unique || index->is_exclusion || index->constraint_id != 0 ||
                     index->is_replica_identity || index->is_clustered || index->extension_id != 0 ||
                     index->parent_id != 0 || index->is_partitioned;
    bool is_plain = index->is_valid && index->is_ready && index->predicate == NULL &&
                    index->options == NULL && text_equals(index->method, "btree");
    size_t keys = key_count_of(index);
    if (is_needed || !is_plain || candidate->method != CANDIDATE_BTREE || candidate->predicate != NULL ||
        keys == 0 || keys > candidate->key_count || !candidate_holds_included(candidate, index))
        return false;
    Candidate prefix = *candidate;
    prefix.key_count = keys;
    prefix.included = (CandidateColumns){0};
    return candidate_is_covered_by(&prefix, index);
}

/* The recommended indexes, and the old one gone; false in ret_is_supposed when the twin refused something. */
static bool
replacement_suppose(Evidence *evidence, const SnapshotIndex *index, bool *ret_is_supposed, Error *error)
{
    const CandidateSet *candidates = evidence->candidates;
    WhatIfChange *changes = ARENA_NEW_ARRAY(evidence->arena, WhatIfChange, candidates->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < candidates->count; i++)
        if (bits_has(evidence->result->chosen, i))
            changes[count++] = (WhatIfChange){.kind = WHATIF_CREATE_INDEX,
                                              .relation_id = candidates->items[i]->relation->id,
                                              .name = candidates->items[i]->whatif_name,
                                              .statement = candidates->items[i]->whatif_statement};
    changes[count++] = (WhatIfChange){.kind = WHATIF_DROP_INDEX, .relation_id = index->id};
    WhatIfChangeResult *results;
    if (!whatif_begin(evidence->context->whatif, evidence->arena, changes, count, &results, error))
        return false;
    *ret_is_supposed = true;
    for (size_t i = 0; i < count; i++)
        *ret_is_supposed = *ret_is_supposed && results[i].is_applied;
    return true;
}

/* True when no statement loses what counts without the index. */
static bool
index_is_missed_by_none(Evidence *evidence, const SnapshotIndex *index, bool *ret_is_missed_by_none,
                        Error *error)
{
    const Workload *workload = evidence->context->workload;
    bool is_supposed;
    *ret_is_missed_by_none = false;
    if (!replacement_suppose(evidence, index, &is_supposed, error))
        return false;
    if (!is_supposed)
        return true;
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed ||
            !workload_statement_may_use(evidence->context->snapshot, statement, index->relation_id))
            continue;
        WhatIfAnswer answer = {0};
        if (!whatif_cost(evidence->context->whatif, evidence->arena, &statement->question, false, &answer,
                         error))
            return false;
        double now = evidence->answers[q].is_known ? evidence->answers[q].cost : statement->baseline_cost;
        if (!workload_statement_compares(statement, &answer) ||
            search_gain(evidence->context, statement, now, answer.cost) < 0)
            return true;
    }
    *ret_is_missed_by_none = true;
    return true;
}

bool
index_replaced(Evidence *evidence, const Candidate *candidate, const SnapshotIndex **ret_index, Error *error)
{
    *ret_index = NULL;
    for (size_t i = 0; i < candidate->relation->indexes.count; i++) {
        const SnapshotIndex *index = candidate->relation->indexes.items[i];
        bool is_missed_by_none;
        if (deadline_passed(evidence->context->deadline))
            return true;
        if (!index_is_replaceable(index, candidate) || map_get_id(evidence->replaced, index->id) != NULL)
            continue;
        if (!index_is_missed_by_none(evidence, index, &is_missed_by_none, error))
            return false;
        if (!is_missed_by_none)
            continue;
        map_put_id(evidence->replaced, index->id, evidence);
        *ret_index = index;
        return true;
    }
    return true;
}

WriteCost
index_existing_write_cost(const AdvisorContext *context, const SnapshotIndex *index)
{
    Candidate same = {.relation = snapshot_relation(context->snapshot, index->relation_id)};
    int *included = ARENA_NEW_ARRAY(context->arena, int, index->column_count + 1);
    size_t keys = key_count_of(index);
    for (size_t i = 0; i < keys && i < CANDIDATE_KEYS_MOST; i++)
        same.keys[same.key_count++] = (CandidateKey){.attnum = index->columns[i].attnum};
    for (size_t i = keys; i < index->column_count; i++)
        included[same.included.count++] = index->columns[i].attnum;
    same.included.items = included;
    return index_write_cost_detail(context, &same, NULL);
}

const char *
index_create_again(Arena *arena, const SnapshotIndex *index)
{
    static const char create[] = "CREATE INDEX ";
    fettle_assert(text_starts_with(index->definition, create));
    return arena_printf(arena, "%sCONCURRENTLY %s;", create, index->definition + strlen(create));
}
