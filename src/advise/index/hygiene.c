// SPDX-License-Identifier: PostgreSQL
#include "advise/index/hygiene.h"

#include "advise/index/hygiene_internal.h"
#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOAT_SHARE 0.3
#define BLOAT_BYTES_LEAST (10.0 * 1024 * 1024)
#define OVERSIZED_BYTES_LEAST (64.0 * 1024 * 1024)

const char *
hygiene_class_word(HygieneClass class)
{
    static const char *const words[] = {"unused",  "rarely_used", "duplicate", "prefix",
                                        "invalid", "bloated",     "oversized"};
    fettle_assert((size_t) class < FETTLE_COUNT_OF(words));
    return words[class];
}

static bool
has_column(const SnapshotConstraint *constraint, int attnum)
{
    for (size_t i = 0; i < constraint->column_count; i++)
        if (constraint->columns[i] == attnum)
            return true;
    return false;
}

/* Finds rows for the foreign key: its first keys are the key's columns, in whatever order. */
static bool
serves_foreign_key(const SnapshotIndex *index, const SnapshotConstraint *constraint)
{
    if (!index->is_valid || index->predicate != NULL || index->column_count < constraint->column_count)
        return false;
    for (size_t i = 0; i < constraint->column_count; i++)
        if (index->columns[i].is_included || !has_column(constraint, index->columns[i].attnum))
            return false;
    return true;
}

static const SnapshotConstraint *
only_lookup_of(const SnapshotRelation *relation, const SnapshotIndex *index)
{
    for (size_t i = 0; i < relation->constraints.count; i++) {
        const SnapshotConstraint *constraint = relation->constraints.items[i];
        if (constraint->type != 'f' || !serves_foreign_key(index, constraint))
            continue;
        bool has_other = false;
        for (size_t j = 0; j < relation->indexes.count; j++)
            has_other = has_other || (relation->indexes.items[j] != index &&
                                      serves_foreign_key(relation->indexes.items[j], constraint));
        if (!has_other)
            return constraint;
    }
    return NULL;
}

static const char *
constraint_on(Arena *arena, const Snapshot *snapshot, const SnapshotIndex *index)
{
    for (size_t i = 0; i < snapshot->relation_count; i++)
        for (size_t j = 0; j < snapshot->relations[i].constraints.count; j++) {
            const SnapshotConstraint *constraint = snapshot->relations[i].constraints.items[j];
            if (constraint->index_id == index->id)
                return arena_printf(arena, "%s %s",
                                    constraint->type == 'f' ? "is needed by foreign key" : "backs constraint",
                                    constraint->name);
        }
    return index->is_primary || index->is_exclusion || index->constraint_id != 0 ? "backs a constraint"
                                                                                 : NULL;
}

const char *
hygiene_protection(Arena *arena, const Snapshot *snapshot, const SnapshotRelation *relation,
                   const SnapshotIndex *index)
{
    const char *constraint = constraint_on(arena, snapshot, index);
    if (constraint != NULL)
        return constraint;
    if (index->is_replica_identity)
        return "is the replica identity of its table";
    if (index->extension_id != 0 || relation->extension_id != 0)
        return "belongs to an extension";
    if (index->is_partitioned || index->parent_id != 0)
        return "is part of a partitioned index";
    const SnapshotConstraint *lookup = only_lookup_of(relation, index);
    if (lookup != NULL)
        return arena_printf(arena, "is the only one that finds rows for foreign key %s", lookup->name);
    return index->is_clustered ? "is the one that its table is clustered by" : NULL;
}

static bool
is_same_key(const SnapshotIndexColumn *a, const SnapshotIndexColumn *b)
{
    return a->attnum == b->attnum && text_equals(a->expression, b->expression) &&
           text_equals(a->operator_class, b->operator_class) && text_equals(a->collation, b->collation) &&
           a->is_descending == b->is_descending && a->is_nulls_first == b->is_nulls_first;
}

static size_t
key_count(const SnapshotIndex *index)
{
    size_t count = 0;
    while (count < index->column_count && !index->columns[count].is_included)
        count++;
    return count;
}

static bool
holds_column(const SnapshotIndex *index, const SnapshotIndexColumn *column)
{
    for (size_t i = 0; i < index->column_count; i++)
        if (index->columns[i].attnum == column->attnum &&
            text_equals(index->columns[i].expression, column->expression))
            return true;
    return false;
}

/* From the keys on: "(name gist_trgm_ops (siglen='32')) WITH (...)". */
static const char *
definition_keys(const SnapshotIndex *index)
{
    static const char word[] = " USING ";
    const char *found = index->definition == NULL ? NULL : strstr(index->definition, word);
    return found == NULL ? NULL : found + strlen(word);
}

/* Indexes of summaries and signatures find more or fewer rows in vain by how wide those are, which options of
 * the operator class or of the index say. */
static bool
is_as_fine(const SnapshotIndex *kept, const SnapshotIndex *index)
{
    static const char *const lossy[] = {"brin", "gist", "spgist"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(lossy); i++)
        if (text_equals(index->method, lossy[i]))
            return text_equals(definition_keys(kept), definition_keys(index));
    return true;
}

bool
hygiene_covers(const SnapshotIndex *kept, const SnapshotIndex *index, bool *ret_is_prefix)
{
    size_t kept_keys = key_count(kept);
    size_t keys = key_count(index);
    if (kept == index || kept->relation_id != index->relation_id || !kept->is_valid || !kept->is_ready ||
        !text_equals(kept->method, index->method) || !text_equals(kept->predicate, index->predicate) ||
        keys > kept_keys || keys == 0)
        return false;
    *ret_is_prefix = keys < kept_keys;
    /* only a B-tree's order makes the first keys an index of their own */
    if (*ret_is_prefix && !text_equals(index->method, "btree"))
        return false;
    for (size_t i = 0; i < keys; i++)
        if (!is_same_key(&kept->columns[i], &index->columns[i]))
            return false;
    if (!is_as_fine(kept, index))
        return false;
    for (size_t i = keys; i < index->column_count; i++)
        if (!holds_column(kept, &index->columns[i]))
            return false;
    /* uniqueness of the shorter keys is not that of the longer ones */
    return !index->is_unique || (kept->is_unique && !*ret_is_prefix &&
                                 kept->is_nulls_not_distinct == index->is_nulls_not_distinct);
}

/* Of two that cover each other, the one to keep. */
static bool
is_better_kept(const HygieneReview *review, const SnapshotIndex *a, const SnapshotIndex *b)
{
    bool a_is_bound = review_protection(review, a) != NULL;
    bool b_is_bound = review_protection(review, b) != NULL;
    if (a_is_bound != b_is_bound)
        return a_is_bound;
    if (a->is_unique != b->is_unique)
        return a->is_unique;
    if (a->size_blocks != b->size_blocks && a->size_blocks > 0 && b->size_blocks > 0)
        return a->size_blocks < b->size_blocks;
    return a->id < b->id;
}

/* What checks its rows at the end of a transaction only is no target of ON CONFLICT, and proves no row
 * unique. */
static bool
is_deferred(const SnapshotRelation *relation, const SnapshotIndex *index)
{
    for (size_t i = 0; i < relation->constraints.count; i++) {
        const SnapshotConstraint *constraint = relation->constraints.items[i];
        if (constraint->type != 'f' && constraint->index_id == index->id && constraint->is_deferrable)
            return true;
    }
    return false;
}

/* The index that makes this one needless; NULL: none. One that is itself made needless by another, in turn,
 * does not count, but what that other is covers this one too. */
static const SnapshotIndex *
cover_find(const HygieneReview *review, const SnapshotRelation *relation, const SnapshotIndex *index,
           bool *ret_is_prefix)
{
    const SnapshotIndex *best = NULL;
    for (size_t i = 0; i < relation->indexes.count; i++) {
        const SnapshotIndex *other = relation->indexes.items[i];
        bool is_prefix;
        bool is_back_prefix;
        if (!hygiene_covers(other, index, &is_prefix) || (index->is_unique && is_deferred(relation, other)))
            continue;
        if (hygiene_covers(index, other, &is_back_prefix) && !is_better_kept(review, other, index))
            continue;
        bool is_better = best == NULL || (*ret_is_prefix && !is_prefix) ||
                         (*ret_is_prefix == is_prefix && is_better_kept(review, other, best));
        if (is_better) {
            best = other;
            *ret_is_prefix = is_prefix;
        }
    }
    return best;
}

/* As cover_find(), but the one that stays at the end: what covers the one that covers this one does so too.
 */
static const SnapshotIndex *
cover_find_last(const HygieneReview *review, const SnapshotRelation *relation, const SnapshotIndex *index,
                bool *ret_is_prefix)
{
    const SnapshotIndex *kept = cover_find(review, relation, index, ret_is_prefix);
    for (size_t step = 0; kept != NULL && step < relation->indexes.count; step++) {
        bool is_prefix = false;
        const SnapshotIndex *next =
            review_protection(review, kept) != NULL ? NULL : cover_find(review, relation, kept, &is_prefix);
        if (next == NULL || next == index)
            break;
        *ret_is_prefix = *ret_is_prefix || is_prefix;
        kept = next;
    }
    return kept;
}

static bool
duplicate_find(const HygieneReview *review, HygieneFinding *finding)
{
    bool is_prefix = false;
    const SnapshotIndex *kept = cover_find_last(review, finding->relation, finding->index, &is_prefix);
    if (kept == NULL)
        return false;
    finding->class = is_prefix ? HYGIENE_PREFIX : HYGIENE_DUPLICATE;
    finding->is_proposed = true;
    finding->in_its_place = kept;
    finding->confidence = is_prefix ? 0.9 : 0.99;
    finding->reason = arena_printf(
        review->arena, "%s %s, which serves every query that this one serves%s",
        is_prefix ? "its keys are the first keys of" : "it does nothing that is not done by",
        pg_identifier_qualify(review->arena, kept->schema, kept->name),
        kept->column_count > finding->index->column_count ? "; scans of it read wider entries there" : "");
    return true;
}

static bool
invalid_find(const HygieneReview *review, HygieneFinding *finding)
{
    (void)review;
    if (finding->index->is_valid)
        return false;
    finding->class = HYGIENE_INVALID;
    finding->is_proposed = !finding->index->is_being_built;
    finding->confidence = 0.95;
    finding->reason =
        finding->index->is_being_built
            ? "it was being built when it was looked at"
            : "a build of it failed or was broken off: no query can use it, every write still pays for "
              "it (unless it is being built at this moment)";
    return true;
}

static bool
size_find(const HygieneReview *review, HygieneFinding *finding)
{
    const HygieneUse *use = review_use(&review->input->primary, finding->index->id);
    double bytes = review_size_bytes(review, finding->index);
    double table_bytes =
        (double)finding->relation->size_blocks * review->input->primary.snapshot->block_bytes;
    if (use != NULL && !isnan(use->bloat_bytes) && use->bloat_bytes >= BLOAT_BYTES_LEAST &&
        use->bloat_bytes >= bytes * BLOAT_SHARE) {
        finding->class = HYGIENE_BLOATED;
        finding->is_proposed = true;
        finding->waste_bytes = use->bloat_bytes;
        finding->confidence = use->bloat_is_measured ? 0.95 : 0.7;
        finding->reason =
            arena_printf(review->arena, "%.0f %% of it is empty (%s): rebuilt it takes %s less",
                         use->bloat_bytes / bytes * 100,
                         use->bloat_is_measured ? "measured by pgstattuple" : "estimated from statistics",
                         text_format_bytes(review->arena, use->bloat_bytes));
        return true;
    }
    if (bytes < OVERSIZED_BYTES_LEAST || table_bytes <= 0 || bytes < table_bytes)
        return false;
    finding->class = HYGIENE_OVERSIZED;
    finding->confidence = 0.9;
    finding->reason =
        arena_printf(review->arena, "it is larger (%s) than its table (%s)",
                     text_format_bytes(review->arena, bytes), text_format_bytes(review->arena, table_bytes));
    return true;
}

static void
statements_add(const HygieneReview *review, HygieneFinding *finding)
{
    Arena *arena = review->arena;
    const char *name = pg_identifier_qualify(arena, finding->index->schema, finding->index->name);
    if (finding->class == HYGIENE_BLOATED) {
        finding->act_sql = arena_printf(arena, "REINDEX INDEX CONCURRENTLY %s;", name);
        return;
    }
    if (finding->class == HYGIENE_OVERSIZED)
        return;
    finding->act_sql = arena_printf(arena, "DROP INDEX CONCURRENTLY %s;", name);
    finding->undo_sql = arena_printf(arena, "%s;", finding->index->definition);
}

/* ANALYZE gathers them for the index; the planner reads them for every query that has the expression. */
static void
statistics_tell(const HygieneReview *review, HygieneFinding *finding)
{
    if (finding->class != HYGIENE_UNUSED && finding->class != HYGIENE_RARELY_USED)
        return;
    for (size_t i = 0; i < finding->index->column_count; i++)
        if (finding->index->columns[i].attnum == 0) {
            finding->reason = arena_printf(review->arena,
                                           "%s; with it go the statistics of its expressions, which plans "
                                           "that do not scan it are made by, too",
                                           finding->reason);
            return;
        }
}

static int
finding_compare(const void *left, const void *right)
{
    const HygieneFinding *a = left;
    const HygieneFinding *b = right;
    if (a->is_proposed != b->is_proposed)
        return a->is_proposed ? -1 : 1;
    double waste_a = isnan(a->waste_bytes) ? 0 : a->waste_bytes;
    double waste_b = isnan(b->waste_bytes) ? 0 : b->waste_bytes;
    if (waste_a != waste_b)
        return waste_a < waste_b ? 1 : -1;
    return (a->index->id > b->index->id) - (a->index->id < b->index->id);
}

static void
index_review(HygieneReview *review, const SnapshotRelation *relation, const SnapshotIndex *index)
{
    HygieneFinding finding = {.relation = relation,
                              .index = index,
                              .waste_bytes = review_size_bytes(review, index),
                              .in_its_place = NULL};
    review_use_sum(review, index, &finding);
    bool is_free =
        hygiene_protection(review->arena, review->input->primary.snapshot, relation, index) == NULL;
    bool is_found = (is_free && (invalid_find(review, &finding) || duplicate_find(review, &finding) ||
                                 review_use_judge(review, &finding))) ||
                    (index->is_valid && !index->is_partitioned && size_find(review, &finding));
    if (!is_found)
        return;
    statistics_tell(review, &finding);
    statements_add(review, &finding);
    vector_push(review->arena, &review->findings, finding);
}

static HygieneFinding *
finding_of(HygieneReview *review, const SnapshotIndex *index)
{
    for (size_t i = 0; i < review->findings.count; i++)
        if (review->findings.items[i].index == index)
            return &review->findings.items[i];
    return NULL;
}

static void
keep(HygieneReview *review, HygieneFinding *finding, const char *why)
{
    finding->is_proposed = false;
    finding->reason = arena_printf(review->arena, "%s; kept, for %s", finding->reason, why);
}

static bool
is_dropped(const HygieneFinding *finding)
{
    return finding != NULL && finding->is_proposed && finding->class != HYGIENE_BLOATED;
}

/* What stands in for a duplicate will be used, however idle it was beside it. */
static void
keep_stand_ins(HygieneReview *review)
{
    for (size_t i = 0; i < review->findings.count; i++) {
        const HygieneFinding *duplicate = &review->findings.items[i];
        HygieneFinding *stand_in =
            duplicate->in_its_place == NULL ? NULL : finding_of(review, duplicate->in_its_place);
        if (is_dropped(stand_in))
            keep(review, stand_in,
                 arena_printf(review->arena, "it will serve the queries of %s", duplicate->index->name));
    }
}

/* Each of several indexes may go for itself, but one has to find the rows of a foreign key. */
static void
keep_lookups(HygieneReview *review, const SnapshotRelation *relation)
{
    for (size_t i = 0; i < relation->constraints.count; i++) {
        const SnapshotConstraint *constraint = relation->constraints.items[i];
        HygieneFinding *last = NULL;
        bool has_kept = constraint->type != 'f';
        for (size_t j = 0; j < relation->indexes.count && !has_kept; j++) {
            const SnapshotIndex *index = relation->indexes.items[j];
            if (!serves_foreign_key(index, constraint))
                continue;
            HygieneFinding *finding = finding_of(review, index);
            has_kept = !is_dropped(finding);
            last = finding;
        }
        if (!has_kept && last != NULL)
            keep(review, last,
                 arena_printf(review->arena, "it finds the rows of foreign key %s", constraint->name));
    }
}

HygieneFindings
hygiene_review(Arena *arena, const HygieneInput *input)
{
    const Snapshot *snapshot = input->primary.snapshot;
    HygieneReview review = {.arena = arena, .input = input};
    for (size_t i = 0; i < snapshot->relation_count; i++) {
        const SnapshotRelation *relation = &snapshot->relations[i];
        review.relation = relation;
        for (size_t j = 0; j < relation->indexes.count; j++)
            index_review(&review, relation, relation->indexes.items[j]);
    }
    keep_stand_ins(&review);
    for (size_t i = 0; i < snapshot->relation_count; i++)
        keep_lookups(&review, &snapshot->relations[i]);
    if (review.findings.count > 1)
        qsort(review.findings.items, review.findings.count, sizeof(*review.findings.items), finding_compare);
    return review.findings;
}
