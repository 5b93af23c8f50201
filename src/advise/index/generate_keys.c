// SPDX-License-Identifier: PostgreSQL
/*
 * From the clauses of a statement to index keys, by role.
 */
#include "advise/index/column_facts.h"
#include "advise/index/generate_internal.h"

#include "pg/identifier.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From this part of the rows on a value is not selective: reading the table is about as fast. */
#define SHARE_TELLING 0.2

bool
predicate_is_equality(const SqlPredicate *predicate)
{
    return predicate->kind == SQL_PREDICATE_EQUAL || predicate->kind == SQL_PREDICATE_IN ||
           predicate->kind == SQL_PREDICATE_IS_NULL || predicate->kind == SQL_PREDICATE_BOOLEAN;
}

bool
predicate_is_range(const SqlPredicate *predicate)
{
    return predicate->kind == SQL_PREDICATE_RANGE || predicate->kind == SQL_PREDICATE_LIKE_PREFIX ||
           predicate->kind == SQL_PREDICATE_JOIN_RANGE;
}

static int
attnum_compare(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

CandidateColumns
columns_named(const Generation *generation, const SnapshotRelation *relation, const TextList *names)
{
    int *items = ARENA_NEW_ARRAY(generation->arena, int, names->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < names->count; i++) {
        const SnapshotColumn *column = snapshot_column_named(relation, names->items[i]);
        if (column != NULL)
            items[count++] = column->attnum;
    }
    if (count > 1)
        qsort(items, count, sizeof(*items), attnum_compare);
    return (CandidateColumns){.items = items, .count = count};
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

/* "data ->> $1": what a normalised text no longer says. */
static bool
expression_has_parameter(const char *expression)
{
    for (const char *at = strchr(expression, '$'); at != NULL; at = strchr(at + 1, '$'))
        if (at[1] >= '0' && at[1] <= '9')
            return true;
    return false;
}

bool
predicate_expression_is_indexable(const SqlPredicate *predicate)
{
    return predicate->column == 0 && predicate->expression != NULL && predicate->is_expression_immutable &&
           !expression_has_parameter(predicate->expression);
}

bool
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
    if (!predicate_expression_is_indexable(predicate))
        return false;
    *ret_key = (CandidateKey){.expression = predicate->expression,
                              .reads = columns_named(generation, relation, &predicate->expression_columns)};
    return true;
}

static void
use_keys_push(CandidateKey *keys, size_t *count, CandidateKey key)
{
    if (*count < USE_KEYS_MOST)
        keys[(*count)++] = key;
}

static bool
is_comparison(const char *operator_name)
{
    static const char *const names[] = {"=", "<", "<=", ">", ">="};
    for (size_t i = 0; i < FETTLE_COUNT_OF(names); i++)
        if (text_equals(operator_name, names[i]))
            return true;
    return false;
}

/* "data ->> $1 = $2": an index on the expression might serve it, but a key that the server's statistics have
 * replaced by a parameter is not to be guessed. */
static void
reject_unknown_expression(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    if (predicate->kind != SQL_PREDICATE_OTHER || predicate->column > 0 || predicate->expression != NULL ||
        predicate->expression_columns.count == 0 || !is_comparison(predicate->operator_name) ||
        !expression_has_parameter(keys->statement->source->text))
        return;
    Text columns = text_new(generation->arena);
    for (size_t i = 0; i < predicate->expression_columns.count; i++)
        text_append_format(&columns, "%s%s", i == 0 ? "" : ", ", predicate->expression_columns.items[i]);
    generation_reject(
        generation,
        generation_subject(generation, keys->relation,
                           arena_printf(generation->arena, "an expression of %s", columns.data)),
        "the statement compares it, and its text has a parameter where the index needs a "
        "constant: watch the application's sessions for longer, or give a workload file with the "
        "statement as it is sent");
}

/* An expression that an index could serve, were it immutable: the person who wrote it wonders. */
static void
reject_mutable(Generation *generation, const UseKeys *keys, const SqlPredicate *predicate)
{
    bool is_servable = predicate_is_equality(predicate) || predicate_is_range(predicate);
    if (predicate->column > 0 || predicate->expression == NULL || !is_servable)
        return;
    bool has_parameter = expression_has_parameter(predicate->expression);
    if (predicate->is_expression_immutable && !has_parameter)
        return;
    const char *idea = arena_printf(generation->arena, "btree ((%s))", predicate->expression);
    generation_reject(
        generation, generation_subject(generation, keys->relation, idea),
        has_parameter
            ? "the statement's text has a parameter where the index needs a constant: give a "
              "workload file with the statement as it is sent"
            : "the expression is not known to be immutable (its value may depend on settings, such as "
              "the time zone, or change from call to call), so no index can hold it");
}

bool
key_stands_alone(const UseKeys *keys, const CandidateKey *key)
{
    for (size_t i = 0; i < keys->poor_count; i++)
        if (keys->poor[i].key.attnum == key->attnum &&
            text_equals(keys->poor[i].key.expression, key->expression))
            return false;
    return true;
}

/* The column's number; of an expression of one column that column's; 0: it has several. */
static int
column_behind(const CandidateKey *key)
{
    if (key->expression == NULL)
        return key->attnum;
    return key->reads.count == 1 ? key->reads.items[0] : 0;
}

/* What a mean value of the column stands for; NAN where values are too unlike each other for a mean, or
 * unknown. An expression of the column has at most as many values, so its stand for at least as much. */
static double
mean_share(const Generation *generation, const SnapshotRelation *relation, int attnum)
{
    double distinct = column_distinct(relation, attnum);
    double nulls = column_null_fraction(relation, attnum);
    double least = column_least_fraction(generation->arena, relation, attnum);
    return distinct <= 0 || isnan(nulls) || least < SHARE_TELLING / 2 ? NAN : (1 - nulls) / distinct;
}

/* Part of the rows that a list leaves: of its values when the text has them, else of as many mean ones. */
static double
list_share(const Generation *generation, const SnapshotRelation *relation, const SqlPredicate *predicate,
           const CandidateKey *key)
{
    double fraction = predicate->constants.count > 0 && predicate->column > 0 ? 0 : NAN;
    for (size_t i = 0; i < predicate->constants.count; i++)
        fraction += column_value_fraction(generation->arena, relation, predicate->column,
                                          predicate->constants.items[i]);
    if (isnan(fraction))
        fraction = predicate->in_list_length * mean_share(generation, relation, column_behind(key));
    return isnan(fraction) ? NAN : fmin(fraction, 1);
}

/* Part of the rows that an equality leaves: of its value when the text has it, else of a mean one; NAN where
 * that is not known. */
static double
equality_share(const Generation *generation, const UseKeys *keys, const SqlPredicate *predicate,
               const CandidateKey *key)
{
    const SnapshotRelation *relation = keys->relation;
    if (predicate->kind == SQL_PREDICATE_IS_NULL && predicate->column > 0)
        return column_null_fraction(relation, predicate->column);
    if (predicate->kind == SQL_PREDICATE_IN)
        return list_share(generation, relation, predicate, key);
    double fraction =
        predicate->constant == NULL || predicate->column == 0
            ? NAN
            : column_value_fraction(generation->arena, relation, predicate->column, predicate->constant);
    if (!isnan(fraction))
        return fraction;
    return predicate->kind == SQL_PREDICATE_EQUAL ? mean_share(generation, relation, column_behind(key))
                                                  : NAN;
}

static void
use_keys_judge(const Generation *generation, const SqlPredicate *predicate, const CandidateKey *key,
               UseKeys *keys)
{
    double share = equality_share(generation, keys, predicate, key);
    if (!isnan(share) && share >= SHARE_TELLING && keys->poor_count < USE_KEYS_MOST)
        keys->poor[keys->poor_count++] =
            (UsePoorKey){.key = *key,
                         .share = share,
                         .is_null_test = predicate->kind == SQL_PREDICATE_IS_NULL,
                         .is_list = predicate->kind == SQL_PREDICATE_IN};
}

static void
use_keys_take(Generation *generation, const SqlPredicate *predicate, UseKeys *keys)
{
    CandidateKey key;
    if (!key_of_predicate(generation, keys->relation, predicate, &key)) {
        reject_mutable(generation, keys, predicate);
        reject_unknown_expression(generation, keys, predicate);
        return;
    }
    bool is_range = predicate_is_range(predicate);
    bool is_equality = predicate_is_equality(predicate);
    if (predicate->kind == SQL_PREDICATE_JOIN) {
        use_keys_push(keys->join, &keys->join_count, key);
    } else if (predicate->is_under_or && (is_equality || is_range)) {
        use_keys_push(keys->alone, &keys->alone_count, key);
    } else if (is_equality) {
        use_keys_push(keys->equal, &keys->equal_count, key);
        use_keys_judge(generation, predicate, &key, keys);
    } else if (is_range) {
        use_keys_push(keys->range, &keys->range_count, key);
    }
}

static uint64_t
column_key(uint32_t relation_id, int attnum)
{
    return ((uint64_t)relation_id << 16) | (uint64_t)attnum;
}

static double *
column_weight(Generation *generation, uint32_t relation_id, int attnum)
{
    uint64_t key = column_key(relation_id, attnum);
    double *weight = map_get_id(generation->column_weight, key);
    if (weight == NULL) {
        weight = ARENA_NEW(generation->arena, double);
        map_put_id(generation->column_weight, key, weight);
    }
    return weight;
}

/* Equality keys: those that are no key on their own last; by how much of the workload compares them; then by
 * how many distinct values they have. */
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
            bool is_good_a = key_stands_alone(keys, a);
            bool is_good_b = key_stands_alone(keys, b);
            bool is_heavier = weight_a > weight_b || (weight_a == weight_b && distinct_a >= distinct_b);
            if (is_good_a > is_good_b || (is_good_a == is_good_b && is_heavier))
                break;
            CandidateKey swap = keys->equal[k];
            keys->equal[k] = keys->equal[k - 1];
            keys->equal[k - 1] = swap;
        }
}

/* Columns whose names stand in an expression: it has no list of its own, and one too many only makes the
 * index look dearer to updates. */
static CandidateColumns
columns_mentioned(const Generation *generation, const SnapshotRelation *relation, const char *expression)
{
    TextList names = {0};
    for (size_t i = 0; i < relation->column_count; i++) {
        const SnapshotColumn *column = &relation->columns[i];
        if (!column->is_dropped && strstr(expression, column->name) != NULL)
            vector_push(generation->arena, &names, column->name);
    }
    return columns_named(generation, relation, &names);
}

/* A key of the sort; false when none of the use's own can stand there. */
static bool
key_of_sort(const Generation *generation, const SqlSort *sort, const SqlSortKey *key, const UseKeys *keys,
            CandidateKey *ret_key)
{
    bool is_column = key->column > 0;
    if (key->use != keys->use ||
        (!is_column && (key->expression == NULL || expression_has_parameter(key->expression))) ||
        (is_column && !column_is_indexable(snapshot_column(keys->relation, key->column))))
        return false;
    bool ordered = sort->kind == SQL_SORT_ORDER || sort->kind == SQL_SORT_WINDOW;
    *ret_key = (CandidateKey){.attnum = is_column ? key->column : 0,
                              .expression = is_column ? NULL : key->expression,
                              .is_descending = ordered && key->is_descending,
                              .is_nulls_first = ordered && key->is_nulls_first};
    if (!is_column)
        ret_key->reads = columns_mentioned(generation, keys->relation, key->expression);
    return true;
}

size_t
sort_keys_of_use(const Generation *generation, const SqlSort *sort, const UseKeys *keys,
                 CandidateKey *ret_keys)
{
    size_t count = 0;
    while (count < sort->key_count && count < USE_KEYS_MOST &&
           key_of_sort(generation, sort, &sort->keys[count], keys, &ret_keys[count]))
        count++;
    /* All descending is the same index read backwards: prefer the plain ascending definition. */
    bool all_reversed = count > 0;
    for (size_t i = 0; i < count; i++)
        all_reversed = all_reversed && ret_keys[i].is_descending && ret_keys[i].is_nulls_first;
    for (size_t i = 0; all_reversed && i < count; i++)
        ret_keys[i].is_descending = ret_keys[i].is_nulls_first = false;
    return count;
}

void
use_keys_read(Generation *generation, const SqlAnalysis *analysis, UseKeys *keys)
{
    for (size_t i = 0; i < analysis->predicate_count; i++)
        if (analysis->predicates[i].use == keys->use)
            use_keys_take(generation, &analysis->predicates[i], keys);
    use_keys_order(generation, keys);
}

void
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

/* Rows are selected by more than the column that they are ordered by. */
static bool
is_selected_otherwise(const SqlAnalysis *analysis, const SqlSort *sort)
{
    for (size_t u = 0; u < analysis->use_count; u++)
        if ((int)u != sort->keys[0].use && analysis->uses[u].level == sort->level)
            return true;
    for (size_t i = 0; i < analysis->predicate_count; i++) {
        const SqlPredicate *predicate = &analysis->predicates[i];
        if (predicate->use == sort->keys[0].use && predicate->column != sort->keys[0].column)
            return true;
    }
    return false;
}

void
generation_note_sought_first(Generation *generation)
{
    const Workload *workload = generation->context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        const SqlAnalysis *analysis = workload->statements[q].analysis;
        for (size_t i = 0; i < analysis->sort_count; i++) {
            const SqlSort *sort = &analysis->sorts[i];
            if (sort->kind != SQL_SORT_ORDER || !sort->has_limit || sort->key_count == 0 ||
                sort->keys[0].use < 0 || sort->keys[0].column <= 0 || !is_selected_otherwise(analysis, sort))
                continue;
            uint32_t relation_id = analysis->uses[sort->keys[0].use].relation_id;
            map_put_id(generation->sought_first, column_key(relation_id, sort->keys[0].column), generation);
        }
    }
}

bool
column_is_sought_first(const Generation *generation, const SnapshotRelation *relation, int attnum)
{
    return map_get_id(generation->sought_first, column_key(relation->id, attnum)) != NULL;
}
