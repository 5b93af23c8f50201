// SPDX-License-Identifier: PostgreSQL
/*
 * Candidate generation, one statement at a time, heaviest statement first, so that when a limit is met it is
 * the lightest statements' ideas that are left out.
 */
#include "advise/index/candidate.h"

#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>

/* A table this small is read whole faster than through an index; advice on it would be noise. */
#define TABLE_PAGES_LEAST 32
#define USE_KEYS_MOST 16
/* The part of the rows that one value of the best key must leave; above it no B-tree on it alone is tried. */
#define SHARE_TELLING 0.2

VECTOR_DEFINE(CandidateList, Candidate *);

typedef struct Generation {
    Arena *arena;
    const AdvisorContext *context;
    Advice *advice;
    CandidateList candidates;
    Map *by_signature;
    Map *column_weight; /* "relation.attnum" -> double *: weight of statements that compare it by equality */
    Map *rejected;      /* subjects already rejected */
    size_t *numbers;    /* of the statement at hand */
    size_t number_count;
    double statement_share; /* of the statement at hand in the workload, 0..1 */
} Generation;

/* The keys that one occurrence of a table offers, by role. */
typedef struct UseKeys {
    const SnapshotRelation *relation;
    CandidateKey equal[USE_KEYS_MOST];
    size_t equal_count;
    CandidateKey range[USE_KEYS_MOST];
    size_t range_count;
    CandidateKey join[USE_KEYS_MOST];
    size_t join_count;
    CandidateKey alone[USE_KEYS_MOST]; /* members of an OR */
    size_t alone_count;
} UseKeys;

static void
generation_reject(Generation *generation, const char *subject, const char *reason)
{
    if (map_get(generation->rejected, subject) != NULL)
        return;
    map_put(generation->rejected, subject, generation);
    Rejection rejection = {
        .advisor = "index", .subject = subject, .reason = reason, .weight = generation->statement_share};
    vector_push(generation->advice->arena, &generation->advice->rejections, rejection);
}

static const char *
candidate_signature(Arena *arena, const Candidate *candidate)
{
    return arena_printf(arena, "%u %s", candidate->relation->id,
                        candidate_create_statement(arena, candidate, "x", false));
}

static bool
candidate_has_index(const Candidate *candidate)
{
    const SnapshotIndexList *indexes = &candidate->relation->indexes;
    for (size_t i = 0; i < indexes->count; i++)
        if (candidate_is_covered_by(candidate, indexes->items[i]))
            return true;
    return false;
}

/* Drops repeated keys; an index on (a, a) helps nobody. */
static size_t
keys_unique(CandidateKey *keys, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t k = 0; k < kept; k++)
            seen = seen ||
                   (keys[k].attnum == keys[i].attnum && text_equals(keys[k].expression, keys[i].expression));
        if (!seen)
            keys[kept++] = keys[i];
    }
    return kept;
}

static void
generation_note(Generation *generation, size_t number)
{
    for (size_t i = 0; i < generation->number_count; i++)
        if (generation->numbers[i] == number)
            return;
    if (generation->number_count < CANDIDATES_PER_STATEMENT_MOST)
        generation->numbers[generation->number_count++] = number;
}

/* Adds the candidate with these keys (cut to the most), unless an index has it already. */
static void
generation_add(Generation *generation, const SnapshotRelation *relation, const CandidateKey *keys,
               size_t count)
{
    Candidate candidate = {.relation = relation, .size_bytes = NAN};
    CandidateKey wanted[4 * USE_KEYS_MOST];
    fettle_assert(count <= FETTLE_COUNT_OF(wanted));
    for (size_t i = 0; i < count; i++)
        wanted[i] = keys[i];
    count = keys_unique(wanted, count);
    if (count == 0)
        return;
    candidate.key_count = count < CANDIDATE_KEYS_MOST ? count : CANDIDATE_KEYS_MOST;
    for (size_t i = 0; i < candidate.key_count; i++)
        candidate.keys[i] = wanted[i];
    if (candidate_has_index(&candidate))
        return;
    const char *signature = candidate_signature(generation->arena, &candidate);
    Candidate *known = map_get(generation->by_signature, signature);
    if (known == NULL) {
        if (generation->candidates.count >= CANDIDATES_MOST)
            return;
        known = ARENA_NEW(generation->arena, Candidate);
        *known = candidate;
        known->number = generation->candidates.count;
        known->whatif_name = arena_printf(generation->arena, "fettle_whatif_%zu", known->number);
        known->whatif_statement =
            candidate_create_statement(generation->arena, known, known->whatif_name, false);
        known->key_text = candidate_key_text(generation->arena, known);
        known->text = candidate_text(generation->arena, known);
        map_put(generation->by_signature, signature, known);
        vector_push(generation->arena, &generation->candidates, known);
    }
    generation_note(generation, known->number);
}

static void
generation_add_two(Generation *generation, const SnapshotRelation *relation, const CandidateKey *first,
                   size_t first_count, const CandidateKey *second, size_t second_count)
{
    CandidateKey keys[2 * USE_KEYS_MOST];
    size_t count = 0;
    for (size_t i = 0; i < first_count; i++)
        keys[count++] = first[i];
    for (size_t i = 0; i < second_count; i++)
        keys[count++] = second[i];
    generation_add(generation, relation, keys, count);
}

static double *
column_weight(Generation *generation, uint32_t relation_id, int attnum)
{
    uint64_t key = ((uint64_t)relation_id << 16) | (uint64_t)attnum;
    double *weight = map_get_id(generation->column_weight, key);
    if (weight == NULL) {
        weight = ARENA_NEW(generation->arena, double);
        map_put_id(generation->column_weight, key, weight);
    }
    return weight;
}

static bool
predicate_is_equality(const SqlPredicate *predicate)
{
    return predicate->kind == SQL_PREDICATE_EQUAL || predicate->kind == SQL_PREDICATE_IN ||
           predicate->kind == SQL_PREDICATE_IS_NULL || predicate->kind == SQL_PREDICATE_BOOLEAN;
}

/* Distinct values of a column; 0 when unknown. */
static double
column_distinct(const SnapshotRelation *relation, int attnum)
{
    const SnapshotStatistics *statistics = snapshot_column_statistics(relation, attnum);
    if (statistics == NULL || isnan(statistics->n_distinct))
        return 0;
    double rows = relation->reltuples > 0 ? relation->reltuples : 1;
    return statistics->n_distinct < 0 ? -statistics->n_distinct * rows : statistics->n_distinct;
}

/* Types whose values a B-tree can hold but whose operators here never use it, or that have no B-tree order.
 */
static bool
column_is_indexable(const SnapshotColumn *column)
{
    static const char *const refused[] = {"json",    "jsonb",    "xml",     "point",   "line",
                                          "lseg",    "box",      "path",    "polygon", "circle",
                                          "tsquery", "tsvector", "aclitem", "xid",     "refcursor"};
    if (column == NULL || column->base_type == NULL)
        return false;
    for (size_t i = 0; i < FETTLE_COUNT_OF(refused); i++)
        if (text_equals(column->base_type, refused[i]))
            return false;
    return true;
}

/* A prefix search needs byte order: the pattern operator class unless the column's collation is C already. */
static const char *
pattern_operator_class(const Snapshot *snapshot, const SnapshotColumn *column)
{
    const char *collation = column->collation != NULL ? column->collation : snapshot->collate;
    if (collation != NULL && (text_equals(collation, "C") || text_equals(collation, "POSIX") ||
                              text_ends_with(collation, "\"C\"") || text_ends_with(collation, ".C")))
        return NULL;
    if (text_equals(column->base_type, "character varying"))
        return "varchar_pattern_ops";
    return text_equals(column->base_type, "character") ? "bpchar_pattern_ops" : "text_pattern_ops";
}

static bool
key_of_predicate(const Generation *generation, const SnapshotRelation *relation,
                 const SqlPredicate *predicate, CandidateKey *ret_key)
{
    if (predicate->column > 0) {
        const SnapshotColumn *column = snapshot_column(relation, predicate->column);
        if (!column_is_indexable(column))
            return false;
        *ret_key = (CandidateKey){.attnum = predicate->column};
        if (predicate->kind == SQL_PREDICATE_LIKE_PREFIX)
            ret_key->operator_class = pattern_operator_class(generation->context->snapshot, column);
        return true;
    }
    if (predicate->expression == NULL || !predicate->is_expression_immutable)
        return false;
    *ret_key = (CandidateKey){.expression = predicate->expression};
    return true;
}

static void
use_keys_push(CandidateKey *keys, size_t *count, CandidateKey key)
{
    if (*count < USE_KEYS_MOST)
        keys[(*count)++] = key;
}

static void
use_keys_take(const Generation *generation, const SqlPredicate *predicate, UseKeys *keys)
{
    CandidateKey key;
    if (!key_of_predicate(generation, keys->relation, predicate, &key))
        return;
    bool is_range = predicate->kind == SQL_PREDICATE_RANGE || predicate->kind == SQL_PREDICATE_LIKE_PREFIX ||
                    predicate->kind == SQL_PREDICATE_JOIN_RANGE;
    bool is_equality = predicate_is_equality(predicate);
    if (predicate->kind == SQL_PREDICATE_JOIN)
        use_keys_push(keys->join, &keys->join_count, key);
    else if (predicate->is_under_or && (is_equality || is_range))
        use_keys_push(keys->alone, &keys->alone_count, key);
    else if (is_equality)
        use_keys_push(keys->equal, &keys->equal_count, key);
    else if (is_range)
        use_keys_push(keys->range, &keys->range_count, key);
}

/* Equality keys by how much of the workload compares them, then by how many distinct values they have. */
static void
use_keys_order(Generation *generation, UseKeys *keys)
{
    for (size_t i = 1; i < keys->equal_count; i++)
        for (size_t k = i; k > 0; k--) {
            const CandidateKey *a = &keys->equal[k - 1];
            const CandidateKey *b = &keys->equal[k];
            double weight_a = a->attnum == 0 ? 0 : *column_weight(generation, keys->relation->id, a->attnum);
            double weight_b = b->attnum == 0 ? 0 : *column_weight(generation, keys->relation->id, b->attnum);
            double distinct_a = column_distinct(keys->relation, a->attnum);
            double distinct_b = column_distinct(keys->relation, b->attnum);
            if (weight_a > weight_b || (weight_a == weight_b && distinct_a >= distinct_b))
                break;
            CandidateKey swap = keys->equal[k];
            keys->equal[k] = keys->equal[k - 1];
            keys->equal[k - 1] = swap;
        }
}

/* The leading sort keys that belong to this use, when the whole list does (the planner sorts the rest
 * itself). */
static size_t
sort_keys_of_use(const SqlSort *sort, int use, const SnapshotRelation *relation, CandidateKey *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < sort->key_count && count < USE_KEYS_MOST; i++) {
        const SqlSortKey *key = &sort->keys[i];
        if (key->use != use)
            break;
        if (key->column > 0 && !column_is_indexable(snapshot_column(relation, key->column)))
            break;
        if (key->column == 0)
            break;
        bool ordered = sort->kind == SQL_SORT_ORDER || sort->kind == SQL_SORT_WINDOW;
        keys[count++] = (CandidateKey){.attnum = key->column,
                                       .is_descending = ordered && key->is_descending,
                                       .is_nulls_first = ordered && key->is_nulls_first};
    }
    /* All descending is the same index read backwards: prefer the plain ascending definition. */
    bool all_reversed = count > 0;
    for (size_t i = 0; i < count; i++)
        all_reversed = all_reversed && keys[i].is_descending && keys[i].is_nulls_first;
    for (size_t i = 0; all_reversed && i < count; i++)
        keys[i].is_descending = keys[i].is_nulls_first = false;
    return count;
}

static void
generate_equality(Generation *generation, const UseKeys *keys)
{
    const SnapshotRelation *relation = keys->relation;
    generation_add(generation, relation, keys->equal, keys->equal_count);
    for (size_t i = 0; i < keys->range_count; i++)
        generation_add_two(generation, relation, keys->equal, keys->equal_count, &keys->range[i], 1);
    for (size_t i = 0; i < keys->equal_count; i++)
        generation_add(generation, relation, &keys->equal[i], 1);
    for (size_t i = 0; i < keys->range_count; i++)
        generation_add(generation, relation, &keys->range[i], 1);
    for (size_t i = 0; i < keys->alone_count; i++)
        generation_add(generation, relation, &keys->alone[i], 1);
    for (size_t i = 0; i < keys->equal_count; i++)
        for (size_t k = 0; k < keys->equal_count && keys->equal_count <= 4; k++)
            if (i != k)
                generation_add_two(generation, relation, &keys->equal[i], 1, &keys->equal[k], 1);
    for (size_t i = 0; i < keys->equal_count && keys->equal_count > 1; i++)
        for (size_t k = 0; k < keys->range_count; k++)
            generation_add_two(generation, relation, &keys->equal[i], 1, &keys->range[k], 1);
}

static void
generate_joins(Generation *generation, const UseKeys *keys)
{
    const SnapshotRelation *relation = keys->relation;
    for (size_t i = 0; i < keys->join_count; i++) {
        const CandidateKey *join = &keys->join[i];
        generation_add(generation, relation, join, 1);
        generation_add_two(generation, relation, keys->equal, keys->equal_count, join, 1);
        generation_add_two(generation, relation, join, 1, keys->equal, keys->equal_count);
        for (size_t k = 0; k < keys->range_count; k++) {
            CandidateKey range[2] = {*join, keys->range[k]};
            generation_add(generation, relation, range, 2);
            generation_add_two(generation, relation, keys->equal, keys->equal_count, range, 2);
        }
    }
    if (keys->join_count > 1)
        generation_add(generation, relation, keys->join, keys->join_count);
}

static void
generate_sorts(Generation *generation, const SqlAnalysis *analysis, int use, const UseKeys *keys)
{
    for (size_t i = 0; i < analysis->sort_count; i++) {
        CandidateKey sorted[USE_KEYS_MOST];
        size_t count = sort_keys_of_use(&analysis->sorts[i], use, keys->relation, sorted);
        if (count == 0)
            continue;
        generation_add_two(generation, keys->relation, keys->equal, keys->equal_count, sorted, count);
        generation_add(generation, keys->relation, sorted, count);
        for (size_t k = 0; k < keys->equal_count; k++)
            generation_add_two(generation, keys->relation, &keys->equal[k], 1, sorted, count);
        for (size_t k = 0; k < keys->join_count; k++)
            generation_add_two(generation, keys->relation, &keys->join[k], 1, sorted, count);
    }
}

/* Only what an index can be made on is worth an idea; the reason for others is told once. */
static bool
relation_is_eligible(Generation *generation, const SnapshotRelation *relation)
{
    if (relation == NULL || (relation->kind != 'r' && relation->kind != 'p' && relation->kind != 'm'))
        return false;
    const char *name = pg_identifier_qualify(generation->arena, relation->schema, relation->name);
    if (relation->extension_id != 0) {
        generation_reject(generation, name, "belongs to an extension");
        return false;
    }
    if (relation->kind != 'p' && relation->size_blocks >= 0 && relation->size_blocks < TABLE_PAGES_LEAST) {
        generation_reject(
            generation, name,
            arena_printf(generation->arena, "the table fits in %lld page%s: reading it whole is as fast",
                         (long long)relation->size_blocks, relation->size_blocks == 1 ? "" : "s"));
        return false;
    }
    return true;
}

/* Says of an equality column what makes it a poor key on its own, when its statistics show it. */
static void
reject_unselective(Generation *generation, const UseKeys *keys)
{
    Arena *arena = generation->arena;
    for (size_t i = 0; i < keys->equal_count; i++) {
        int attnum = keys->equal[i].attnum;
        const SnapshotStatistics *statistics =
            attnum == 0 ? NULL : snapshot_column_statistics(keys->relation, attnum);
        double distinct = statistics == NULL ? 0 : column_distinct(keys->relation, attnum);
        if (distinct <= 0)
            continue;
        double share = (1 - statistics->null_fraction) / distinct;
        if (share < SHARE_TELLING)
            continue;
        const char *subject = arena_printf(
            arena, "btree (%s) on %s", pg_identifier_quote(arena, keys->relation->columns[attnum - 1].name),
            pg_identifier_qualify(arena, keys->relation->schema, keys->relation->name));
        generation_reject(
            generation, subject,
            arena_printf(arena, "not selective: a value stands in about %.0f %% of the rows", share * 100));
    }
}

static void
generate_for_use(Generation *generation, const SqlAnalysis *analysis, int use)
{
    const SnapshotRelation *relation =
        snapshot_relation(generation->context->snapshot, analysis->uses[use].relation_id);
    if (!relation_is_eligible(generation, relation))
        return;
    UseKeys keys = {.relation = relation};
    for (size_t i = 0; i < analysis->predicate_count; i++)
        if (analysis->predicates[i].use == use)
            use_keys_take(generation, &analysis->predicates[i], &keys);
    use_keys_order(generation, &keys);
    generate_equality(generation, &keys);
    generate_joins(generation, &keys);
    generate_sorts(generation, analysis, use, &keys);
    reject_unselective(generation, &keys);
}

static void
generation_weigh_columns(Generation *generation)
{
    const Workload *workload = generation->context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        const SqlAnalysis *analysis = statement->analysis;
        for (size_t i = 0; i < analysis->predicate_count; i++) {
            const SqlPredicate *predicate = &analysis->predicates[i];
            if (predicate->use >= 0 && predicate->column > 0 && predicate_is_equality(predicate))
                *column_weight(generation, analysis->uses[predicate->use].relation_id, predicate->column) +=
                    statement->weight * statement->baseline_cost;
        }
    }
}

const CandidateSet *
candidates_generate(Arena *arena, const AdvisorContext *context, Advice *advice)
{
    const Workload *workload = context->workload;
    Generation generation = {.arena = arena, .context = context, .advice = advice};
    generation.by_signature = map_new(arena);
    generation.column_weight = map_new(arena);
    generation.rejected = map_new(arena);
    generation.numbers = ARENA_NEW_ARRAY(arena, size_t, CANDIDATES_PER_STATEMENT_MOST);
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    set->relevant = arena_alloc_array(arena, workload->count, sizeof(*set->relevant));
    generation_weigh_columns(&generation);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        generation.number_count = 0;
        double objective = statement->weight * statement->baseline_cost;
        generation.statement_share = workload->weighted_cost > 0 ? objective / workload->weighted_cost : 0;
        for (size_t use = 0; statement->is_costed && use < statement->analysis->use_count; use++)
            generate_for_use(&generation, statement->analysis, (int)use);
        set->relevant[q].count = generation.number_count;
        set->relevant[q].numbers =
            arena_memdup(arena, generation.numbers, generation.number_count * sizeof(*generation.numbers));
    }
    set->items = generation.candidates.items;
    set->count = generation.candidates.count;
    return set;
}
