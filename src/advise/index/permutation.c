// SPDX-License-Identifier: PostgreSQL
#include "advise/index/permutation.h"

#include <math.h>
#include <string.h>

VECTOR_DEFINE(PermutationList, Candidate *);
VECTOR_DEFINE(NumberList, size_t);

typedef struct Permutation {
    Arena *arena;
    const SqlAnalysis *analysis; /* of the statement at hand */
    PermutationList candidates;
    Map *by_key_text; /* "oid attnum attnum" -> Candidate */
    NumberList numbers;
    Map *noted; /* of the statement at hand: the same keys */
    size_t width;
    const SnapshotRelation *relation;
    const SqlRelationUse *use;
    int use_number; /* its position in the analysis */
} Permutation;

static bool
candidate_exists(const Candidate *candidate)
{
    const SnapshotIndexList *indexes = &candidate->relation->indexes;
    for (size_t i = 0; i < indexes->count; i++)
        if (candidate_is_covered_by(candidate, indexes->items[i]))
            return true;
    return false;
}

static const char *
permutation_key(Arena *arena, const Candidate *candidate)
{
    Text text = text_new(arena);
    text_append_format(&text, "%u", candidate->relation->id);
    for (size_t i = 0; i < candidate->key_count; i++)
        text_append_format(&text, " %d", candidate->keys[i].attnum);
    return text.data;
}

/* Can a B-tree's order serve the predicate? */
static bool
is_searchable(const SqlPredicate *predicate)
{
    switch (predicate->kind) {
        case SQL_PREDICATE_NOT_EQUAL:
        case SQL_PREDICATE_LIKE_ANY:
        case SQL_PREDICATE_CONTAINS:
        case SQL_PREDICATE_FULL_TEXT: return false;
        default: return true;
    }
}

/* Does the order of a column's values serve a predicate or a sort of the use? */
static bool
is_ordered_by(const Permutation *permutation, int attnum)
{
    const SqlAnalysis *analysis = permutation->analysis;
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if ((predicate->use == permutation->use_number && predicate->column == attnum &&
             is_searchable(predicate)) ||
            (predicate->join_use == permutation->use_number && predicate->join_column == attnum))
            return true;
    }
    for (size_t i = 0; i < analysis->sort_count; i++)
        for (size_t k = 0; k < analysis->sorts[i].key_count; k++)
            if (analysis->sorts[i].keys[k].use == permutation->use_number &&
                analysis->sorts[i].keys[k].column == attnum)
                return true;
    return false;
}

static bool
has_key(const Candidate *candidate, int attnum)
{
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum == attnum)
            return true;
    return false;
}

/* Without a column whose order nothing asks for an index serves the same and is smaller, unless with it all
 * that the statement reads of the table is there. */
static bool
is_useful(const Permutation *permutation, const Candidate *candidate)
{
    const SqlRelationUse *use = permutation->use;
    bool is_covering = !use->needs_all_columns;
    for (size_t i = 0; i < use->needed_column_count; i++)
        is_covering = is_covering && has_key(candidate, use->needed_columns[i]);
    if (is_covering || permutation->analysis->is_partial)
        return true;
    for (size_t i = 0; i < candidate->key_count; i++)
        if (!is_ordered_by(permutation, candidate->keys[i].attnum))
            return false;
    return true;
}

static void
permutation_add(Permutation *permutation, const Candidate *candidate)
{
    Arena *arena = permutation->arena;
    const char *key = permutation_key(arena, candidate);
    Candidate *known = map_get(permutation->by_key_text, key);
    if (known == NULL) {
        if (permutation->candidates.count >= PERMUTATIONS_MOST || candidate_exists(candidate))
            return;
        known = arena_memdup(arena, candidate, sizeof(*candidate));
        known->number = permutation->candidates.count;
        known->whatif_name = arena_printf(arena, "fettle_whatif_%zu", known->number);
        known->whatif_statement = candidate_create_statement(arena, known, known->whatif_name, false);
        known->key_text = candidate_key_text(arena, known);
        known->text = candidate_text(arena, known);
        map_put(permutation->by_key_text, key, known);
        vector_push(arena, &permutation->candidates, known);
    }
    if (map_get(permutation->noted, key) == NULL && is_useful(permutation, known)) {
        map_put(permutation->noted, key, known);
        vector_push(arena, &permutation->numbers, known->number);
    }
}

/* All that continue the candidate's keys, depth by depth. */
static void
permutation_extend(Permutation *permutation, Candidate *candidate)
{
    for (size_t i = 0; i < permutation->use->needed_column_count; i++) {
        int attnum = permutation->use->needed_columns[i];
        if (has_key(candidate, attnum))
            continue;
        candidate->keys[candidate->key_count++] = (CandidateKey){.attnum = attnum};
        permutation_add(permutation, candidate);
        if (candidate->key_count < permutation->width)
            permutation_extend(permutation, candidate);
        candidate->key_count--;
    }
}

static void
permutation_of_statement(Permutation *permutation, const AdvisorContext *context,
                         const WorkloadStatement *statement)
{
    permutation->noted = map_new(permutation->arena);
    permutation->numbers = (NumberList){0};
    permutation->analysis = statement->analysis;
    for (size_t u = 0; statement->is_costed && u < statement->analysis->use_count; u++) {
        permutation->use = &statement->analysis->uses[u];
        permutation->use_number = (int)u;
        permutation->relation = snapshot_relation(context->snapshot, permutation->use->relation_id);
        if (permutation->relation == NULL || strchr("rpm", permutation->relation->kind) == NULL)
            continue;
        Candidate candidate = {.relation = permutation->relation, .size_bytes = NAN};
        permutation_extend(permutation, &candidate);
    }
}

const CandidateSet *
candidates_permute(Arena *arena, const AdvisorContext *context, size_t width)
{
    const Workload *workload = context->workload;
    Permutation permutation = {.arena = arena, .by_key_text = map_new(arena)};
    permutation.width = width < CANDIDATE_KEYS_MOST ? width : CANDIDATE_KEYS_MOST;
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    set->relevant = arena_alloc_array(arena, workload->count, sizeof(*set->relevant));
    for (size_t q = 0; q < workload->count; q++) {
        permutation_of_statement(&permutation, context, &workload->statements[q]);
        set->relevant[q].count = permutation.numbers.count;
        set->relevant[q].numbers = permutation.numbers.items;
    }
    set->items = permutation.candidates.items;
    set->count = permutation.candidates.count;
    return set;
}
