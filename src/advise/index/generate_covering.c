// SPDX-License-Identifier: PostgreSQL
/*
 * Covering B-trees: the plain ideas of a use with its other columns as INCLUDE, so that the table need not be
 * visited; and, where a statement reads few columns of all rows, an index that stands for the table.
 *
 * Left out where the index row would exceed a third of the table's (it is then a second copy of the table),
 * and where less than half of the table's pages are all-visible: such a scan would visit the table anyway.
 */
#include "advise/index/column_facts.h"
#include "advise/index/condition.h"
#include "advise/index/generate_internal.h"

#include <math.h>
#include <string.h>

#define ROW_SHARE_MOST (1.0 / 3)
#define VISIBLE_SHARE_LEAST 0.5
#define INDEX_ROW_BYTES 12 /* header and line pointer */
#define PARTITION_DEPTH_MOST 32
#define MERGED_MOST 128

static bool
is_narrow(const Candidate *candidate)
{
    double bytes = INDEX_ROW_BYTES;
    for (size_t i = 0; i < candidate->key_count; i++)
        bytes += column_width_bytes(candidate->relation, candidate->keys[i].attnum);
    for (size_t i = 0; i < candidate->included.count; i++)
        bytes += column_width_bytes(candidate->relation, candidate->included.items[i]);
    return bytes <= relation_row_bytes(candidate->relation) * ROW_SHARE_MOST;
}

/* Pages and all-visible pages of a table, or of all that is below a partitioned one. */
static void
relation_visible_add(const Snapshot *snapshot, const SnapshotRelation *relation, int depth, double *pages,
                     double *visible)
{
    if (relation->relpages > 0) {
        *pages += relation->relpages;
        *visible += relation->relallvisible;
    }
    for (size_t i = 0; relation->kind == 'p' && depth > 0 && i < snapshot->relation_count; i++) {
        const SnapshotRelation *part = &snapshot->relations[i];
        if (part->is_partition && part->parent_count > 0 && part->parents[0].relation_id == relation->id)
            relation_visible_add(snapshot, part, depth - 1, pages, visible);
    }
}

static bool
relation_is_visible(Generation *generation, const SnapshotRelation *relation)
{
    double *share = map_get_id(generation->visible_share, relation->id);
    if (share == NULL) {
        double pages = 0;
        double visible = 0;
        relation_visible_add(generation->context->snapshot, relation, PARTITION_DEPTH_MOST, &pages, &visible);
        share = ARENA_NEW(generation->arena, double);
        *share = pages > 0 ? visible / pages : 0;
        map_put_id(generation->visible_share, relation->id, share);
    }
    if (*share >= VISIBLE_SHARE_LEAST)
        return true;
    generation_reject(
        generation, generation_subject(generation, relation, "an index with INCLUDE columns"),
        arena_printf(generation->arena,
                     "an index-only scan would visit the table anyway: %.0f %% of its pages are "
                     "marked all-visible (VACUUM marks them)",
                     *share * 100));
    return false;
}

static bool
is_plain_btree(const Candidate *candidate)
{
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum == 0)
            return false;
    return candidate->method == CANDIDATE_BTREE;
}

static bool
candidate_holds(const Candidate *candidate, int attnum)
{
    for (size_t i = 0; i < candidate->key_count; i++)
        if (candidate->keys[i].attnum == attnum)
            return true;
    return candidate_columns_have(candidate->included, attnum);
}

/* candidate with these columns added as INCLUDE where it lacks them; false when that is none or too many. */
static bool
candidate_include(Arena *arena, const Candidate *candidate, const int *columns, size_t count, Candidate *ret)
{
    int *items = ARENA_NEW_ARRAY(arena, int, candidate->included.count + count + 1);
    size_t kept = 0;
    for (size_t i = 0; i < candidate->included.count; i++)
        items[kept++] = candidate->included.items[i];
    for (size_t i = 0; i < count; i++) {
        if (candidate_holds(candidate, columns[i]))
            continue;
        size_t at = kept++;
        for (; at > 0 && items[at - 1] > columns[i]; at--)
            items[at] = items[at - 1];
        items[at] = columns[i];
    }
    *ret = *candidate;
    ret->included = (CandidateColumns){.items = items, .count = kept};
    return kept > candidate->included.count && kept <= CANDIDATE_INCLUDED_MOST && is_narrow(ret);
}

/* Adds candidate with what else the use needs as INCLUDE; false when that is nothing or too much. */
static bool
cover(Generation *generation, const SqlRelationUse *use, const Candidate *candidate)
{
    Candidate covering;
    bool is_covering = candidate_include(generation->arena, candidate, use->needed_columns,
                                         use->needed_column_count, &covering);
    if (is_covering)
        generation_add(generation, &covering);
    return is_covering;
}

/* A statement that reads few columns and offers no key: its columns, the whole table long. */
static void
cover_whole(Generation *generation, const UseKeys *keys, const SqlRelationUse *use)
{
    Candidate whole = {.relation = keys->relation};
    size_t first = 0;
    while (first < use->needed_column_count &&
           !column_is_indexable(snapshot_column(keys->relation, use->needed_columns[first])))
        first++;
    if (first == use->needed_column_count)
        return;
    whole.keys[whole.key_count++] = (CandidateKey){.attnum = use->needed_columns[first]};
    if (!cover(generation, use, &whole) && use->needed_column_count == 1 && is_narrow(&whole))
        generation_add(generation, &whole);
}

/* A pattern, an element or a part of a document that is looked for: to evaluate that takes longer than to
 * read the row, which no cost of the planner's knows, and another index would find the rows. */
static bool
use_is_searched(const SqlAnalysis *analysis, int use)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        bool is_search =
            predicate->kind == SQL_PREDICATE_LIKE_UNKNOWN || predicate->kind == SQL_PREDICATE_LIKE_ANY ||
            predicate->kind == SQL_PREDICATE_CONTAINS || predicate->kind == SQL_PREDICATE_FULL_TEXT ||
            (predicate->expression != NULL &&
             condition_reads_document(predicate->expression, strlen(predicate->expression)));
        if (predicate->use == use && is_search)
            return true;
    }
    return false;
}

void
generate_covering(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys)
{
    const SqlRelationUse *use = &analysis->uses[keys->use];
    if (use->is_write_target || use->needs_all_columns || use->needed_column_count == 0 ||
        !relation_is_visible(generation, keys->relation))
        return;
    size_t bare = generation->number_count;
    bool is_keyed = false; /* by a column: what an expression is made of can be read from another index */
    for (size_t i = 0; i < keys->poor_count; i++) {
        const Candidate poor = {.relation = keys->relation, .keys = {keys->poor[i].key}, .key_count = 1};
        if (!is_plain_btree(&poor))
            continue;
        is_keyed = true;
        cover(generation, use, &poor);
    }
    for (size_t i = 0; i < bare; i++) {
        const Candidate *candidate = generation->candidates.items[generation->numbers[i]];
        if (candidate->relation != keys->relation || !is_plain_btree(candidate) ||
            candidate->included.count > 0)
            continue;
        is_keyed = true;
        cover(generation, use, candidate);
    }
    if (!is_keyed && !use_is_searched(analysis, keys->use))
        cover_whole(generation, keys, use);
}

/* The same keys and predicate, whatever is included. */
static bool
keys_are_equal(const Candidate *a, const Candidate *b)
{
    Candidate bare = *a;
    bare.included = (CandidateColumns){0};
    return a->key_count == b->key_count && candidate_is_prefix(&bare, b);
}

void
generation_merge(Generation *generation)
{
    size_t count = generation->candidates.count;
    for (size_t i = 0; i < count; i++) {
        Candidate all = *generation->candidates.items[i];
        for (size_t k = i + 1; k < count && all.included.count > 0; k++) {
            const Candidate *a = generation->candidates.items[i];
            const Candidate *b = generation->candidates.items[k];
            Candidate merged;
            if (generation->candidates.count >= count + MERGED_MOST)
                return;
            if (b->included.count == 0 || !keys_are_equal(a, b))
                continue;
            if (candidate_include(generation->arena, a, b->included.items, b->included.count, &merged))
                (void)generation_intern(generation, &merged);
            if (candidate_include(generation->arena, &all, b->included.items, b->included.count, &merged)) {
                all = merged;
                (void)generation_intern(generation, &all);
            }
        }
    }
}
