// SPDX-License-Identifier: PostgreSQL
/*
 * Partial indexes: where the statement's text itself (not a parameter, whose value the planner of a generic
 * plan does not know) restricts a column to NULL, a flag, or one of a few values, that few rows have. Their
 * keys are what the statement compares or sorts by besides.
 *
 * A workload file's statements are alike but for literals: the literal must be the same in most of the
 * samples.
 */
#include "advise/index/column_facts.h"
#include "advise/index/generate_internal.h"

#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FRACTION_MOST 0.2
#define RESTRICTIONS_PER_USE_MOST 2
#define CONSTANT_SHARE_LEAST 0.8
#define SAMPLES_LOOKED_AT_MOST 8
#define VALUES_OF_A_STATUS_MOST 20

static int
literal_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A column of few values. One value of many, such as an id, is this call's, not the statement's. */
static bool
column_is_status(const SnapshotRelation *relation, int attnum)
{
    double distinct = column_distinct(relation, attnum);
    return distinct > 1 && distinct <= VALUES_OF_A_STATUS_MOST;
}

/* The values that the text names, each once and in order, so that lists of the same ones are one predicate.
 */
static TextList
literals_of(Arena *arena, const SqlPredicate *predicate)
{
    bool is_list = predicate->constants.count > 0;
    size_t count = is_list ? predicate->constants.count : 1;
    const char **literals = arena_memdup(arena, is_list ? predicate->constants.items : &predicate->constant,
                                         count * sizeof(*literals));
    qsort(literals, count, sizeof(*literals), literal_compare);
    size_t distinct = 1;
    for (size_t i = 1; i < count; i++)
        if (!text_equals(literals[i], literals[distinct - 1]))
            literals[distinct++] = literals[i];
    return (TextList){.items = literals, .count = distinct};
}

/* "status = 'x'" is spelled so by whatever statement, also by one that writes a list of one. */
static const char *
literals_condition(Arena *arena, const char *name, const SqlPredicate *predicate)
{
    TextList literals = literals_of(arena, predicate);
    bool is_without = predicate->kind == SQL_PREDICATE_NOT_EQUAL;
    Text text = text_new(arena);
    for (size_t i = 0; i < literals.count; i++)
        text_append_format(&text, "%s%s", i == 0 ? "" : ", ", literals.items[i]);
    if (literals.count == 1)
        return arena_printf(arena, "%s %s %s", name, is_without ? "<>" : "=", text.data);
    return arena_printf(arena, "%s %s (%s)", name, is_without ? "NOT IN" : "IN", text.data);
}

/* Part of the rows that have one of the values that the text names; NAN unknown. */
static double
literals_fraction(Arena *arena, const SnapshotRelation *relation, const SqlPredicate *predicate)
{
    TextList literals = literals_of(arena, predicate);
    double fraction = 0;
    for (size_t i = 0; i < literals.count; i++)
        fraction += column_value_fraction(arena, relation, predicate->column, literals.items[i]);
    return fraction;
}

/* Values that the text names, of a column of few. */
static bool
names_states(const SnapshotRelation *relation, const SqlPredicate *predicate)
{
    return (predicate->constant != NULL || predicate->constants.count > 0) &&
           column_is_status(relation, predicate->column);
}

/* The condition as an index's predicate, and how many rows fulfil it; NULL when it is none. */
static const char *
restriction_of(const Generation *generation, const UseKeys *keys, const SqlPredicate *predicate,
               double *ret_fraction)
{
    const SnapshotRelation *relation = keys->relation;
    const SnapshotColumn *column = snapshot_column(relation, predicate->column);
    if (predicate->column == 0 || column == NULL || predicate->is_under_or)
        return NULL;
    Arena *arena = generation->arena;
    const char *name = pg_identifier_quote(arena, column->name);
    double nulls = column_null_fraction(relation, predicate->column);
    switch (predicate->kind) {
        case SQL_PREDICATE_IS_NULL: *ret_fraction = nulls; return arena_printf(arena, "%s IS NULL", name);
        case SQL_PREDICATE_IS_NOT_NULL:
            *ret_fraction = 1 - nulls;
            return arena_printf(arena, "%s IS NOT NULL", name);
        case SQL_PREDICATE_BOOLEAN:
            *ret_fraction = column_value_fraction(arena, relation, predicate->column, predicate->constant);
            return text_equals(predicate->constant, "true") ? name : arena_printf(arena, "NOT %s", name);
        case SQL_PREDICATE_EQUAL:
        case SQL_PREDICATE_IN:
        case SQL_PREDICATE_NOT_EQUAL:
            if (!names_states(relation, predicate))
                return NULL;
            *ret_fraction = literals_fraction(arena, relation, predicate);
            if (predicate->kind == SQL_PREDICATE_NOT_EQUAL)
                *ret_fraction = 1 - nulls - *ret_fraction;
            return literals_condition(arena, name, predicate);
        default: return NULL;
    }
}

static bool
analysis_has_restriction(const Generation *generation, const UseKeys *keys, const SqlAnalysis *analysis,
                         const char *condition)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        double fraction;
        if (analysis->predicates[i].use == keys->use &&
            text_equals(restriction_of(generation, keys, &analysis->predicates[i], &fraction), condition))
            return true;
    }
    return false;
}

/* In most of the samples the restriction is the same. */
static bool
restriction_is_constant(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate,
                        const char *condition)
{
    const SnapshotStatement *source = keys->statement->source;
    size_t count =
        source->sample_count < SAMPLES_LOOKED_AT_MOST ? source->sample_count : SAMPLES_LOOKED_AT_MOST;
    bool has_literals = predicate->kind == SQL_PREDICATE_EQUAL || predicate->kind == SQL_PREDICATE_IN ||
                        predicate->kind == SQL_PREDICATE_NOT_EQUAL;
    if (!has_literals || count == 0)
        return true;
    double same = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = source->samples[i * source->sample_count / count];
        const SqlStatement *parsed = sql_statement_parse(generation->arena, text, strlen(text));
        const SqlAnalysis *analysis = sql_analyze(generation->arena, parsed, generation_catalog(generation));
        same += analysis_has_restriction(generation, keys, analysis, condition);
    }
    return same >= CONSTANT_SHARE_LEAST * (double)count;
}

/* keys without the restricted column: the predicate says it already. */
static UseKeys
keys_without(const UseKeys *keys, int attnum)
{
    UseKeys rest = *keys;
    rest.equal_count = 0;
    for (size_t i = 0; i < keys->equal_count; i++)
        if (keys->equal[i].attnum != attnum)
            rest.equal[rest.equal_count++] = keys->equal[i];
    return rest;
}

static void
generate_restricted(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys,
                    const SqlPredicate *predicate, const char *condition, double fraction)
{
    int *restricted = ARENA_NEW(generation->arena, int);
    *restricted = predicate->column;
    Candidate idea = {.relation = keys->relation,
                      .predicate = condition,
                      .restricted = {.items = restricted, .count = 1},
                      .left_out = 1 - fraction};
    UseKeys rest = keys_without(keys, predicate->column);
    size_t before = generation->number_count;
    generate_btree(generation, analysis, &rest, &idea);
    if (generation->number_count > before ||
        !column_is_indexable(snapshot_column(keys->relation, predicate->column)))
        return;
    const CandidateKey itself = {.attnum = predicate->column};
    generation_add_keys(generation, &idea, &itself, 1, NULL, 0);
}

/* A status compared with a parameter invites the idea of a partial index; say why it is not tried. */
static void
reject_parameter(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    if (predicate->kind != SQL_PREDICATE_EQUAL || predicate->parameter == 0 || predicate->column == 0 ||
        !column_is_status(keys->relation, predicate->column))
        return;
    const SnapshotColumn *column = snapshot_column(keys->relation, predicate->column);
    const char *idea = arena_printf(generation->arena, "a partial index WHERE %s = ...",
                                    pg_identifier_quote(generation->arena, column->name));
    generation_reject(generation, generation_subject(generation, keys->relation, idea),
                      "the value is a parameter in the statement's text: a plan made once for all values "
                      "cannot use an index that holds only one of them (where the application sends a "
                      "constant, watching its sessions for longer, or a workload file with the "
                      "statement as it is sent, tells which)");
}

/* With a value: there may be many NULLs beside a unique index. */
static bool
is_compared(const SqlAnalysis *analysis, const UseKeys *keys, int attnum)
{
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if (predicate->use == keys->use && predicate->column == attnum &&
            predicate->kind == SQL_PREDICATE_IS_NULL)
            return false;
    }
    for (size_t i = 0; i < keys->equal_count; i++)
        if (attnum > 0 && keys->equal[i].attnum == attnum)
            return true;
    return false;
}

static bool
index_finds_one_row(const SqlAnalysis *analysis, const UseKeys *keys, const SnapshotIndex *index)
{
    bool finds = index->is_unique && index->is_valid && index->predicate == NULL;
    for (size_t i = 0; finds && i < index->column_count; i++)
        finds = index->columns[i].is_included || is_compared(analysis, keys, index->columns[i].attnum);
    return finds;
}

/* A unique index finds the one row: what restricts it besides needs none. */
static bool
use_finds_one_row(const SqlAnalysis *analysis, const UseKeys *keys)
{
    for (size_t i = 0; i < keys->relation->indexes.count; i++)
        if (index_finds_one_row(analysis, keys, keys->relation->indexes.items[i]))
            return true;
    return false;
}

void
generate_partial(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys)
{
    size_t restrictions = use_finds_one_row(analysis, keys) ? RESTRICTIONS_PER_USE_MOST : 0;
    for (size_t i = 0; i < analysis->predicate_count && restrictions < RESTRICTIONS_PER_USE_MOST; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        double fraction = NAN;
        if (predicate->use != keys->use)
            continue;
        reject_parameter(generation, keys, predicate);
        const char *condition = restriction_of(generation, keys, predicate, &fraction);
        if (condition == NULL || isnan(fraction) || fraction > FRACTION_MOST ||
            !restriction_is_constant(generation, keys, predicate, condition))
            continue;
        restrictions++;
        generate_restricted(generation, analysis, keys, predicate, condition, fraction);
    }
}
