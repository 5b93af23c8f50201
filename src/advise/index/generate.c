// SPDX-License-Identifier: PostgreSQL
#include "advise/index/column_facts.h"
#include "advise/index/generate_internal.h"

#include "pg/identifier.h"
#include "snapshot/catalog.h"

#include <math.h>

/* A table this small is read whole faster than through an index; advice on it would be noise. */
#define TABLE_PAGES_LEAST 32
/* Indexes made for other statements that begin as this one's do. */
#define SHARED_PER_STATEMENT_MOST 24

void
generation_reject(Generation *generation, const char *subject, const char *reason)
{
    if (map_get(generation->rejected, subject) != NULL)
        return;
    map_put(generation->rejected, subject, generation);
    Rejection rejection = {
        .advisor = "index", .subject = subject, .reason = reason, .weight = generation->statement_share};
    vector_push(generation->advice->arena, &generation->advice->rejections, rejection);
}

const char *
generation_subject(const Generation *generation, const SnapshotRelation *relation, const char *idea)
{
    return arena_printf(generation->arena, "%s on %s", idea,
                        pg_identifier_qualify(generation->arena, relation->schema, relation->name));
}

const SqlCatalog *
generation_catalog(Generation *generation)
{
    if (generation->catalog.relation_find == NULL)
        generation->catalog = snapshot_catalog(generation->arena, generation->context->snapshot);
    return &generation->catalog;
}

bool
generation_has_index(const Candidate *candidate)
{
    const SnapshotIndexList *indexes = &candidate->relation->indexes;
    for (size_t i = 0; i < indexes->count; i++)
        if (candidate_is_covered_by(candidate, indexes->items[i]))
            return true;
    return false;
}

static void
generation_note(Generation *generation, size_t number, size_t most)
{
    for (size_t i = 0; i < generation->number_count; i++)
        if (generation->numbers[i] == number)
            return;
    if (generation->number_count < most)
        generation->numbers[generation->number_count++] = number;
}

Candidate *
generation_intern(Generation *generation, const Candidate *idea)
{
    Arena *arena = generation->arena;
    if (generation_has_index(idea))
        return NULL;
    const char *signature = arena_printf(arena, "%u %s", idea->relation->id, candidate_text(arena, idea));
    Candidate *known = map_get(generation->by_signature, signature);
    if (known != NULL || generation->candidates.count >= CANDIDATES_MOST)
        return known;
    known = ARENA_NEW(arena, Candidate);
    *known = *idea;
    known->size_bytes = NAN;
    known->number = generation->candidates.count;
    known->whatif_name = arena_printf(arena, "fettle_whatif_%zu", known->number);
    known->whatif_statement = candidate_create_statement(arena, known, known->whatif_name, false);
    known->key_text = candidate_key_text(arena, known);
    known->text = candidate_text(arena, known);
    map_put(generation->by_signature, signature, known);
    vector_push(arena, &generation->candidates, known);
    return known;
}

void
generation_add(Generation *generation, const Candidate *idea)
{
    const Candidate *candidate = generation_intern(generation, idea);
    if (candidate != NULL)
        generation_note(generation, candidate->number, CANDIDATES_PER_STATEMENT_MOST);
}

/* Adds a key unless it is there: an index on (a, a) helps nobody. */
static void
key_add_new(Candidate *candidate, const CandidateKey *key, size_t most)
{
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum == key->attnum &&
            text_equals(candidate->keys[i].expression, key->expression))
            return;
    if (candidate->key_count < most)
        candidate->keys[candidate->key_count++] = *key;
}

void
generation_add_keys(Generation *generation, const Candidate *idea, const CandidateKey *first,
                    size_t first_count, const CandidateKey *second, size_t second_count)
{
    Candidate candidate = *idea;
    size_t most = generation->context->keys_most;
    if (most == 0 || most > CANDIDATE_KEYS_MOST)
        most = CANDIDATE_KEYS_MOST;
    for (size_t i = 0; i < first_count; i++)
        key_add_new(&candidate, &first[i], most);
    for (size_t i = 0; i < second_count; i++)
        key_add_new(&candidate, &second[i], most);
    if (candidate.key_count > 0)
        generation_add(generation, &candidate);
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

/* Says of an equality column what makes it a poor key on its own. */
static void
reject_unselective(Generation *generation, const UseKeys *keys)
{
    Arena *arena = generation->arena;
    for (size_t i = 0; i < keys->poor_count; i++) {
        const UsePoorKey *poor = &keys->poor[i];
        const Candidate alone = {.relation = keys->relation, .keys = {poor->key}, .key_count = 1};
        const char *idea = candidate_text(arena, &alone);
        if (poor->is_null_test)
            idea = arena_printf(arena, "%s for IS NULL", idea);
        generation_reject(generation, generation_subject(generation, keys->relation, idea),
                          arena_printf(arena, "not selective: %s in about %.0f %% of the rows",
                                       poor->is_null_test ? "nothing stands"
                                       : poor->is_list    ? "the values of a list stand"
                                                          : "a value stands",
                                       poor->share * 100));
    }
}

/* Ideas of one analysis: the plain ones of all its tables first, covering ones last. */
static void
generate_for_analysis(Generation *generation, const WorkloadStatement *statement, const SqlAnalysis *analysis)
{
    UseKeys *keys = ARENA_NEW_ARRAY(generation->arena, UseKeys, analysis->use_count + 1);
    size_t count = 0;
    for (size_t use = 0; use < analysis->use_count; use++) {
        const SnapshotRelation *relation =
            snapshot_relation(generation->context->snapshot, analysis->uses[use].relation_id);
        if (!relation_is_eligible(generation, relation))
            continue;
        keys[count] = (UseKeys){.statement = statement, .relation = relation, .use = (int)use};
        use_keys_read(generation, analysis, &keys[count++]);
    }
    for (size_t i = 0; i < count; i++) {
        const Candidate plain = {.relation = keys[i].relation};
        generate_btree(generation, analysis, &keys[i], &plain);
        reject_unselective(generation, &keys[i]);
    }
    for (size_t i = 0; i < count; i++) {
        generate_methods(generation, analysis, &keys[i]);
        generate_partial(generation, analysis, &keys[i]);
    }
    for (size_t i = 0; i < count && analysis == statement->analysis; i++)
        generate_covering(generation, analysis, &keys[i]);
}

static void
generate_for_statement(Generation *generation, const WorkloadStatement *statement)
{
    const SqlAnalysis *planned = plan_analyze(generation, statement);
    generate_for_analysis(generation, statement, statement->analysis);
    if (planned != NULL)
        generate_for_analysis(generation, statement, planned);
}

/* Candidates by table and first key, so that those that begin alike are found. */
static const char *
leading_signature(Arena *arena, const Candidate *candidate)
{
    Candidate leading = {.relation = candidate->relation,
                         .method = candidate->method,
                         .keys = {candidate->keys[0]},
                         .key_count = 1,
                         .predicate = candidate->predicate};
    return arena_printf(arena, "%u %s", candidate->relation->id, candidate_text(arena, &leading));
}

/* Candidates from first on that do all that the candidate does. */
static void
share_alike(Generation *generation, const CandidateList *alike, const Candidate *candidate, size_t first,
            size_t most)
{
    for (size_t k = 0; k < alike->count; k++)
        if (alike->items[k]->number >= first && candidate_is_prefix(candidate, alike->items[k]))
            generation_note(generation, alike->items[k]->number, most);
}

/* An index made for one statement may serve another that wants only its first keys: one index for many. Those
 * made for several first. */
static void
generation_share(Generation *generation, size_t first_merged, CandidateSet *set)
{
    Arena *arena = generation->arena;
    Map *by_leading = map_new(arena);
    for (size_t i = 0; i < generation->candidates.count; i++) {
        const char *signature = leading_signature(arena, generation->candidates.items[i]);
        CandidateList *alike = map_get(by_leading, signature);
        if (alike == NULL) {
            alike = ARENA_NEW(arena, CandidateList);
            map_put(by_leading, signature, alike);
        }
        vector_push(arena, alike, generation->candidates.items[i]);
    }
    for (size_t q = 0; q < generation->context->workload->count; q++) {
        size_t own = set->relevant[q].count;
        generation->number_count = own;
        for (size_t i = 0; i < own; i++)
            generation->numbers[i] = set->relevant[q].numbers[i];
        for (size_t i = 0; i < 2 * own; i++) {
            const Candidate *candidate = generation->candidates.items[generation->numbers[i % own]];
            share_alike(generation, map_get(by_leading, leading_signature(arena, candidate)), candidate,
                        i < own ? first_merged : 0, own + SHARED_PER_STATEMENT_MOST);
        }
        set->relevant[q].count = generation->number_count;
        set->relevant[q].numbers =
            arena_memdup(arena, generation->numbers, generation->number_count * sizeof(*generation->numbers));
    }
}

CandidateSet *
candidates_generate(Arena *arena, const AdvisorContext *context, Advice *advice)
{
    const Workload *workload = context->workload;
    Generation *generation = ARENA_NEW(arena, Generation);
    *generation = (Generation){.arena = arena,
                               .context = context,
                               .advice = advice,
                               .by_signature = map_new(arena),
                               .column_weight = map_new(arena),
                               .sought_first = map_new(arena),
                               .visible_share = map_new(arena),
                               .rejected = map_new(arena)};
    generation->numbers =
        ARENA_NEW_ARRAY(arena, size_t, CANDIDATES_PER_STATEMENT_MOST + SHARED_PER_STATEMENT_MOST);
    CandidateSet *set = ARENA_NEW(arena, CandidateSet);
    set->relevant = arena_alloc_array(arena, workload->count, sizeof(*set->relevant));
    generation_weigh_columns(generation);
    generation_note_sought_first(generation);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        generation->number_count = 0;
        double objective = statement->weight * statement->baseline_cost;
        generation->statement_share = workload->weighted_cost > 0 ? objective / workload->weighted_cost : 0;
        if (statement->is_costed)
            generate_for_statement(generation, statement);
        set->relevant[q].count = generation->number_count;
        set->relevant[q].numbers =
            arena_memdup(arena, generation->numbers, generation->number_count * sizeof(*generation->numbers));
    }
    size_t first_merged = generation->candidates.count;
    generation_merge(generation);
    generation_share(generation, first_merged, set);
    set->items = generation->candidates.items;
    set->count = generation->candidates.count;
    return set;
}
