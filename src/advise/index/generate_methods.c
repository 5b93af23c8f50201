// SPDX-License-Identifier: PostgreSQL
/*
 * Indexes of other methods, each for the operators it serves:
 *  - GIN: jsonb (@> @? @@ by jsonb_path_ops, ? ?| ?& by jsonb_ops), arrays, full text, and texts within texts
 *    by pg_trgm where it is installed;
 *  - GiST and SP-GiST: ranges, inet, points;
 *  - BRIN: a large table whose rows lie in the column's order;
 *  - hash: equality on long values, which a B-tree would hold whole; and on a column that some statement
 * wants the first of among rows selected otherwise: a B-tree would give it an order to search those along.
 *
 * The twin makes each of them, so the planner's own cost functions speak; but what those know of an inverted
 * or a tree-of-anything index is little. Such candidates carry a caution, which the recommendation shows.
 */
#include "advise/index/column_facts.h"
#include "advise/index/generate_internal.h"

#include "pg/identifier.h"

#include <math.h>
#include <string.h>

#define BRIN_ORDER_LEAST 0.9
#define BRIN_PAGES_LEAST 1280
/* A table of fewer pages gets ranges of 32 pages, so that there are enough of them. */
#define BRIN_PAGES_OF_WIDE_RANGES 131072
#define HASH_WIDTH_LEAST_BYTES 40

static const char inverted_caution[] = "the planner knows little of such an index: its size is estimated "
                                       "within a factor of 4, and the time of a "
                                       "search in it from how common the looked-up elements are";
static const char order_caution[] =
    "the planner takes more of the table for read than a scan of such an index does while rows are added in "
    "the column's order; it helps no longer once that order is lost";
static const char tree_caution[] =
    "the planner knows little of how well such an index parts its values: size and gain are estimated within "
    "a factor of 2";

static bool
is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equals(name, names[i]))
            return true;
    return false;
}

/* An index of one key: the predicate's column or its expression. */
static bool
idea_of_predicate(const Generation *generation, const UseKeys *keys, const SqlPredicate *predicate,
                  CandidateMethod method, Candidate *ret_idea)
{
    *ret_idea = (Candidate){.relation = keys->relation, .method = method, .key_count = 1};
    if (predicate->column > 0) {
        ret_idea->keys[0] = (CandidateKey){.attnum = predicate->column};
        return true;
    }
    if (!predicate_expression_is_indexable(predicate))
        return false;
    ret_idea->keys[0] =
        (CandidateKey){.expression = predicate->expression,
                       .reads = columns_named(generation, keys->relation, &predicate->expression_columns)};
    return true;
}

static void
add_single(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate, CandidateMethod method,
           const char *operator_class)
{
    Candidate idea;
    if (!idea_of_predicate(generation, keys, predicate, method, &idea))
        return;
    idea.keys[0].operator_class = operator_class;
    idea.caution = method == CANDIDATE_GIN                                  ? inverted_caution
                   : method == CANDIDATE_GIST || method == CANDIDATE_SPGIST ? tree_caution
                                                                            : NULL;
    generation_add(generation, &idea);
}

/* Base type of the predicate's column; of an expression what its operators tell; "" when nothing does. */
static const char *
predicate_type(const UseKeys *keys, const SqlPredicate *predicate)
{
    if (predicate->column > 0) {
        const SnapshotColumn *column = snapshot_column(keys->relation, predicate->column);
        return column == NULL || column->base_type == NULL ? "" : column->base_type;
    }
    if (predicate->expression == NULL)
        return "";
    if (predicate->kind == SQL_PREDICATE_FULL_TEXT)
        return "tsvector";
    return strstr(predicate->expression, "->") != NULL && strstr(predicate->expression, "->>") == NULL
               ? "jsonb"
               : "";
}

static void
generate_contained(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    static const char *const path_operators[] = {"@>", "@?", "@@"};
    static const char *const geometries[] = {"box", "polygon", "circle", "point"};
    const char *type = predicate_type(keys, predicate);
    bool is_range = text_ends_with(type, "range");
    if (text_equals(type, "jsonb")) {
        bool is_path = is_among(predicate->operator_name, path_operators, FETTLE_COUNT_OF(path_operators));
        if (is_path || text_starts_with(predicate->operator_name, "?"))
            add_single(generation, keys, predicate, CANDIDATE_GIN, is_path ? "jsonb_path_ops" : NULL);
    } else if (text_ends_with(type, "[]") || text_equals(type, "tsvector")) {
        add_single(generation, keys, predicate, CANDIDATE_GIN, NULL);
    } else if (is_range || is_among(type, geometries, FETTLE_COUNT_OF(geometries))) {
        add_single(generation, keys, predicate, CANDIDATE_GIST, NULL);
        if ((is_range && !text_ends_with(type, "multirange")) || text_equals(type, "point") ||
            text_equals(type, "box"))
            add_single(generation, keys, predicate, CANDIDATE_SPGIST, NULL);
    }
}

/* The analysis has no kind of its own for what lies within a network, or for ranges beside each other. */
static void
generate_networks(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    static const char *const operators[] = {"<<", "<<=", ">>", ">>=", "&&", "-|-"};
    const char *type = predicate_type(keys, predicate);
    bool is_network = text_equals(type, "inet") || text_equals(type, "cidr");
    if (!is_among(predicate->operator_name, operators, FETTLE_COUNT_OF(operators)) || predicate->column == 0)
        return;
    if (is_network || text_ends_with(type, "range"))
        add_single(generation, keys, predicate, CANDIDATE_GIST, is_network ? "inet_ops" : NULL);
    if (is_network || (text_ends_with(type, "range") && !text_ends_with(type, "multirange")))
        add_single(generation, keys, predicate, CANDIDATE_SPGIST, NULL);
}

static const SnapshotExtension *
extension_named(const Snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->extension_count; i++)
        if (text_equals(snapshot->extensions[i].name, name))
            return &snapshot->extensions[i];
    return NULL;
}

/* A pattern that is a parameter may begin with text that a B-tree finds; nothing shows whether it does. */
static void
reject_unknown_prefix(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    SqlPredicate prefix = *predicate;
    prefix.kind = SQL_PREDICATE_LIKE_PREFIX;
    Candidate idea = {.relation = keys->relation, .key_count = 1};
    if (predicate->kind != SQL_PREDICATE_LIKE_UNKNOWN || !text_equals(predicate->operator_name, "~~") ||
        predicate->column == 0 || !key_of_predicate(generation, keys->relation, &prefix, &idea.keys[0]) ||
        generation_has_index(&idea))
        return;
    generation_reject(
        generation, generation_subject(generation, keys->relation, candidate_text(generation->arena, &idea)),
        "the pattern is a parameter in the statement's text: this index serves patterns that begin with "
        "text, "
        "as 'abc%' does; a workload file with the statement as it is sent tells whether they do");
}

/* A text somewhere within texts: only trigrams find it. */
static void
generate_trigrams(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    static const char *const types[] = {"text", "character varying", ""};
    const Snapshot *snapshot = generation->context->snapshot;
    const SnapshotExtension *trigrams = extension_named(snapshot, "pg_trgm");
    Candidate idea;
    reject_unknown_prefix(generation, keys, predicate);
    if (!is_among(predicate_type(keys, predicate), types, FETTLE_COUNT_OF(types)) ||
        !idea_of_predicate(generation, keys, predicate, CANDIDATE_GIN, &idea))
        return;
    idea.keys[0].operator_class =
        trigrams == NULL ? "gin_trgm_ops"
                         : pg_identifier_qualify(generation->arena, trigrams->schema, "gin_trgm_ops");
    idea.caution = inverted_caution;
    if (trigrams != NULL)
        generation_add(generation, &idea);
    else
        generation_reject(
            generation,
            generation_subject(generation, keys->relation, candidate_text(generation->arena, &idea)),
            "needs the extension pg_trgm, which is not installed in this database (CREATE EXTENSION "
            "pg_trgm); no other index finds a text within texts");
}

static void
generate_brin(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    const SnapshotRelation *relation = keys->relation;
    bool is_served = predicate->kind == SQL_PREDICATE_RANGE || predicate->kind == SQL_PREDICATE_EQUAL;
    if (!is_served || predicate->column == 0 || relation->size_blocks < BRIN_PAGES_LEAST ||
        !column_is_indexable(snapshot_column(relation, predicate->column)))
        return;
    double order = column_order(generation->arena, relation, predicate->column);
    if (isnan(order) || order <= BRIN_ORDER_LEAST)
        return;
    Candidate idea = {.relation = relation,
                      .method = CANDIDATE_BRIN,
                      .keys = {{.attnum = predicate->column}},
                      .key_count = 1,
                      .caution = order_caution,
                      .options =
                          relation->size_blocks < BRIN_PAGES_OF_WIDE_RANGES ? "pages_per_range='32'" : NULL};
    generation_add(generation, &idea);
}

static bool
has_order_of(const SnapshotRelation *relation, int attnum)
{
    for (size_t i = 0; i < relation->indexes.count; i++) {
        const SnapshotIndex *index = relation->indexes.items[i];
        if (text_equals(index->method, "btree") && index->column_count > 0 &&
            index->columns[0].attnum == attnum)
            return true;
    }
    return false;
}

static void
generate_hash(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    bool is_equality = predicate->kind == SQL_PREDICATE_EQUAL || predicate->kind == SQL_PREDICATE_JOIN;
    if (!is_equality || predicate->column == 0 ||
        !column_is_indexable(snapshot_column(keys->relation, predicate->column)))
        return;
    bool is_long = column_width_bytes(keys->relation, predicate->column) >= HASH_WIDTH_LEAST_BYTES;
    bool is_tempting = column_is_sought_first(generation, keys->relation, predicate->column) &&
                       !has_order_of(keys->relation, predicate->column);
    if (!is_long && !is_tempting)
        return;
    add_single(generation, keys, predicate, CANDIDATE_HASH, NULL);
}

void
generate_methods(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if (predicate->use != keys->use)
            continue;
        switch (predicate->kind) {
            case SQL_PREDICATE_CONTAINS: generate_contained(generation, keys, predicate); /* fall through */
            case SQL_PREDICATE_OTHER: generate_networks(generation, keys, predicate); break;
            case SQL_PREDICATE_FULL_TEXT: generate_contained(generation, keys, predicate); break;
            case SQL_PREDICATE_LIKE_ANY:
            case SQL_PREDICATE_LIKE_UNKNOWN: generate_trigrams(generation, keys, predicate); break;
            case SQL_PREDICATE_EQUAL:
            case SQL_PREDICATE_JOIN:
            case SQL_PREDICATE_RANGE:
                generate_brin(generation, keys, predicate);
                generate_hash(generation, keys, predicate);
                break;
            default: break;
        }
    }
}
