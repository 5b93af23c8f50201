// SPDX-License-Identifier: PostgreSQL
/*
 * Distinct combinations of an index's columns among the rows that it holds.
 *
 * What knows of several columns together comes first: a unique index, extended statistics, a foreign key.
 *
 * Then what columns' own statistics betray, for ANALYZE makes them of one sample of rows. Two columns that
 * have the same uneven list of common fractions, to the last digit, have a value of one for a value of the
 * other: a code and its name. So have two that repeat as often and lie in the rows' order alike. Two columns
 * that are NULL equally often are NULL together. And columns that lie in the rows' order (a number and a time
 * that both grow) meet near the same rows only: of a correlation r with that order a value lies within w =
 * sqrt(2 (1 - r)) of the rows about its place, as a uniform deviation of that width would have it, so beside
 * a value of another that takes a share v of the rows it has d (v + w) + 1 of its d values.
 *
 * Columns of which nothing is known are taken to know nothing of each other: each value of one comes with
 * each of another's, as often as their shares of the rows multiplied. How many of these combinations the rows
 * show depends on how uneven they are: a frequent pair is seen for certain, most rare ones never. So columns
 * are multiplied as classes of values of about equal share, a quarter of an octave wide, and of a class with
 * a mean share p so many rows n show 1 - exp(-n p).
 */
#include "estimate.h"

#include "catalog/pg_statistic_ext.h"

#include <math.h>

#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define CLASSES_PER_OCTAVE 4
#define CLASSES (60 * CLASSES_PER_OCTAVE)

static bool
is_null_in(uint32 nulls, int column)
{
    return (nulls >> column & 1) != 0;
}

/* True when a unique index says that these columns, but those that are NULL, tell all rows apart. */
static bool
columns_are_unique(const TwinIndexShape *shape, int columns, uint32 nulls)
{
    ListCell *cell;
    foreach (cell, shape->rel->indexlist) {
        IndexOptInfo *info = lfirst_node(IndexOptInfo, cell);
        int key, i, found = 0;
        if (!info->unique || info->indpred != NIL || info->indexoid == RelationGetRelid(shape->index))
            continue;
        for (key = 0; key < info->nkeycolumns; key++) {
            for (i = 0; i < columns; i++) {
                const Var *variable = (const Var *)shape->columns[i].expression;
                if (IsA(variable, Var) && !is_null_in(nulls, i) && info->indexkeys[key] > 0 &&
                    variable->varattno == info->indexkeys[key]) {
                    found++;
                    break;
                }
            }
        }
        if (found == info->nkeycolumns)
            return true;
    }
    return shape->index->rd_index->indisunique && columns == shape->key_count && nulls == 0;
}

/* Columns of the widest ndistinct statistics object among these, as the planner would count their groups. */
static double
distinct_by_statistics(const TwinIndexShape *shape, int columns, uint32 nulls, Bitmapset **ret_covered)
{
    ListCell *cell;
    List *best = NIL;
    foreach (cell, shape->rel->statlist) {
        StatisticExtInfo *statistics = lfirst_node(StatisticExtInfo, cell);
        Bitmapset *covered = NULL;
        List *expressions = NIL;
        int i;
        if (statistics->kind != STATS_EXT_NDISTINCT)
            continue;
        for (i = 0; i < columns; i++) {
            Var *variable = (Var *)shape->columns[i].expression;
            if (IsA(variable, Var) && !is_null_in(nulls, i) && !shape->columns[i].is_restricted &&
                bms_is_member(variable->varattno, statistics->keys)) {
                covered = bms_add_member(covered, i);
                expressions = lappend(expressions, variable);
            }
        }
        if (list_length(expressions) >= 2 && list_length(expressions) > list_length(best)) {
            best = expressions;
            *ret_covered = covered;
        }
    }
    return best == NIL ? 1 : Max(twin_estimate_num_groups(shape->root, best, shape->rel->tuples), 1);
}

double
twin_distinct_drawn(double possible, double rows)
{
    return possible * (1 - exp(-rows / possible));
}

/* Columns that a foreign key of several columns refers by: as many pairs at most as rows that it refers to.
 */
static double
distinct_by_foreign_key(const TwinIndexShape *shape, int columns, uint32 nulls, Bitmapset **ret_covered)
{
    ListCell *cell;
    double distinct = 1;
    foreach (cell, RelationGetFKeyList(shape->table)) {
        ForeignKeyCacheInfo *key = lfirst_node(ForeignKeyCacheInfo, cell);
        HeapTuple row = SearchSysCache1(RELOID, ObjectIdGetDatum(key->confrelid));
        double referred = HeapTupleIsValid(row) ? ((Form_pg_class)GETSTRUCT(row))->reltuples : -1;
        double independent = 1;
        Bitmapset *covered = NULL;
        int i, j;
        if (HeapTupleIsValid(row))
            ReleaseSysCache(row);
        for (i = 0; i < columns; i++) {
            Var *variable = (Var *)shape->columns[i].expression;
            for (j = 0; IsA(variable, Var) && !is_null_in(nulls, i) && j < key->nkeys; j++) {
                if (key->conkey[j] != variable->varattno || bms_is_member(i, covered))
                    continue;
                covered = bms_add_member(covered, i);
                independent = Min(independent * shape->columns[i].distinct, 1e18);
            }
        }
        if (key->nkeys >= 2 && referred >= 1 && bms_num_members(covered) == key->nkeys &&
            bms_num_members(covered) > bms_num_members(*ret_covered)) {
            *ret_covered = covered;
            distinct = Min(independent, twin_distinct_drawn(referred, Max(shape->rel->tuples, 1)));
        }
    }
    return distinct;
}

/* An expression that these columns' own values tell. */
static bool
is_of_columns(const TwinIndexShape *shape, int columns, uint32 nulls, Node *expression)
{
    List *variables;
    ListCell *cell;
    int i;
    if (IsA(expression, Var))
        return false;
    variables = pull_var_clause(expression, PVC_RECURSE_AGGREGATES | PVC_RECURSE_PLACEHOLDERS);
    foreach (cell, variables) {
        for (i = 0; i < columns; i++) {
            if (!is_null_in(nulls, i) && equal(shape->columns[i].expression, lfirst(cell)))
                break;
        }
        if (i == columns)
            return false;
    }
    return true;
}

static int
fraction_compare(const void *left, const void *right)
{
    float4 a = *(const float4 *)left, b = *(const float4 *)right;
    return a > b ? -1 : a < b;
}

/* The same common fractions in both, of at least three sizes: equal ones are no sign. */
static bool
common_are_alike(const TwinColumn *column, const TwinColumn *other)
{
    int i, sizes = 1;
    if (column->common_count != other->common_count)
        return false;
    qsort(column->common_fractions, column->common_count, sizeof(float4), fraction_compare);
    qsort(other->common_fractions, other->common_count, sizeof(float4), fraction_compare);
    for (i = 0; i < column->common_count; i++) {
        if (column->common_fractions[i] != other->common_fractions[i])
            return false;
        sizes += i > 0 && column->common_fractions[i] != column->common_fractions[i - 1];
    }
    return sizes >= 3;
}

bool
twin_columns_are_null_together(const TwinColumn *column, const TwinColumn *other)
{
    return column->is_known && other->is_known && column->null_stored > 0 && column->null_stored < 1 &&
           column->null_stored == other->null_stored;
}

/* True when each value of one comes with one value of the other, for all that statistics show. */
static bool
columns_are_alike(const TwinColumn *column, const TwinColumn *other)
{
    if (!column->is_known || !other->is_known || column->is_restricted || other->is_restricted ||
        column->null_stored != other->null_stored || column->distinct_stored != other->distinct_stored)
        return false;
    if (column->common_count > 0 || other->common_count > 0)
        return common_are_alike(column, other);
    return column->distinct_stored > -1 && column->distinct_stored < 0 && column->order != 0 &&
           column->order == other->order;
}

/* An expression of the other columns, or one that an earlier column's values tell. */
static bool
is_told(const TwinIndexShape *shape, int columns, uint32 nulls, int column)
{
    int i;
    for (i = 0; i < column; i++) {
        if (!is_null_in(nulls, i) && columns_are_alike(&shape->columns[column], &shape->columns[i]))
            return true;
    }
    return is_of_columns(shape, columns, nulls, shape->columns[column].expression);
}

/* Share of the rows about its place in which a value of the column lies. ANALYZE orders rows of a value as
 * they lie, so that values in no order correlate by the sum of their shares' squares. */
static double
order_width(const TwinColumn *column)
{
    double rest = 1, squares = 0, others = Max(column->distinct - column->common_count, 1);
    int i;
    if (!column->is_known || column->is_restricted || column->order == 0)
        return 1;
    for (i = 0; i < column->common_count; i++) {
        double share = Min(column->common_fractions[i] / Max(1 - column->null_fraction, 1e-6), rest);
        squares += share * share;
        rest -= share;
    }
    squares += rest * rest / others;
    return Min(sqrt(2 * (1 - fabs(column->order)) / Max(1 - squares, 1e-7)), 1);
}

/* Combinations of those of the columns that lie in the rows' order, which leave the set; 1 where there are
 * not two. */
static double
distinct_by_order(const TwinIndexShape *shape, Bitmapset **columns)
{
    Bitmapset *ordered = NULL;
    double distinct = 1, width = 1;
    int i = -1;
    while ((i = bms_next_member(*columns, i)) >= 0) {
        if (order_width(&shape->columns[i]) < 0.5)
            ordered = bms_add_member(ordered, i);
    }
    if (bms_num_members(ordered) < 2)
        return 1;
    i = -1;
    while ((i = bms_next_member(ordered, i)) >= 0) {
        const TwinColumn *column = &shape->columns[i];
        double own = order_width(column);
        distinct *= Min(column->distinct, column->distinct * (width + own) + 1);
        width = Min(width, 1 / column->distinct + own);
    }
    *columns = bms_difference(*columns, ordered);
    return Min(distinct, 1e18);
}

/* Values of one column in a share of all rows, none of them NULL. */
static double
distinct_in_share(const TwinIndexShape *shape, const TwinColumn *column, double share)
{
    double not_null = Max(1 - column->null_fraction, 1e-6), rows = Max(shape->rel->tuples, 1) * not_null;
    return column->distinct * (1 - pow(1 - Min(share / not_null, 1), Max(rows / column->distinct, 1)));
}

typedef struct ShareClasses {
    double values[CLASSES]; /* that have about as great a share of the rows */
    double share[CLASSES];  /* that they have together */
} ShareClasses;

static void
class_add(ShareClasses *classes, double values, double share)
{
    int at;
    if (values <= 0 || share <= 0)
        return;
    at = (int)(-log2(Min(share / values, 1)) * CLASSES_PER_OCTAVE);
    at = Min(at, CLASSES - 1);
    classes->values[at] += values;
    classes->share[at] += share;
}

/* Of a column that the predicate restricts no common values are known. */
static void
classes_of_column(const TwinColumn *column, ShareClasses *ret_classes)
{
    double rest = column->distinct, rest_share = 1, non_null = Max(1 - column->null_fraction, 1e-6);
    int i;
    memset(ret_classes, 0, sizeof(*ret_classes));
    for (i = 0; !column->is_restricted && i < column->common_count; i++) {
        double share = Min(column->common_fractions[i] / non_null, rest_share);
        class_add(ret_classes, 1, share);
        rest_share -= share;
        rest--;
    }
    class_add(ret_classes, Max(rest, rest_share > 1e-3 ? 1 : 0), rest_share);
}

/* Each value with each of the other's, as columns have them that know nothing of each other. */
static void
classes_multiply(ShareClasses *classes, const ShareClasses *others)
{
    ShareClasses product = {0};
    int i, j;
    for (i = 0; i < CLASSES; i++) {
        for (j = 0; classes->values[i] > 0 && j < CLASSES; j++)
            class_add(&product, classes->values[i] * others->values[j], classes->share[i] * others->share[j]);
    }
    *classes = product;
}

/* Combinations that are seen in so many rows. */
static double
classes_drawn(const ShareClasses *classes, double rows)
{
    double seen = 0;
    int i;
    for (i = 0; i < CLASSES; i++) {
        if (classes->values[i] > 0)
            seen += classes->values[i] * -expm1(-rows * classes->share[i] / classes->values[i]);
    }
    return seen;
}

double
twin_shape_distinct_where(const TwinIndexShape *shape, int columns, uint32 nulls, double share)
{
    double table_rows = Max(shape->rel->tuples * share, 1), rows = Max(shape->rows * share, 1), distinct = 1;
    double least = 1; /* as many as one column alone has */
    ShareClasses *classes, *others;
    Bitmapset *covered = NULL, *uncovered = NULL;
    int i, count;
    if (columns_are_unique(shape, columns, nulls))
        return rows;
    for (i = 0; i < columns; i++)
        table_rows *= shape->columns[i].is_restricted ? shape->columns[i].share : 1;
    table_rows = Max(table_rows, rows);
    if (columns > 1)
        distinct = distinct_by_statistics(shape, columns, nulls, &covered);
    if (columns > 1 && covered == NULL)
        distinct = distinct_by_foreign_key(shape, columns, nulls, &covered);
    classes = palloc0(sizeof(*classes));
    others = palloc(sizeof(*others));
    for (i = 0; i < columns; i++) {
        if (!is_null_in(nulls, i) && !bms_is_member(i, covered) && !is_told(shape, columns, nulls, i)) {
            least = Max(least, distinct_in_share(shape, &shape->columns[i], share));
            uncovered = bms_add_member(uncovered, i);
        }
    }
    count = bms_num_members(uncovered);
    class_add(classes, distinct * distinct_by_order(shape, &uncovered), 1);
    i = -1;
    while ((i = bms_next_member(uncovered, i)) >= 0) {
        classes_of_column(&shape->columns[i], others);
        classes_multiply(classes, others);
    }
    if (count == 1 && covered == NULL)
        distinct = least;
    else if (count > 0)
        distinct = Max(classes_drawn(classes, table_rows), least);
    pfree(classes);
    pfree(others);
    distinct = Min(distinct, table_rows);
    if (rows < table_rows) /* of the rows of a value, chance that at least one is in the index */
        distinct *= 1 - pow(1 - rows / table_rows, table_rows / distinct);
    return Min(Max(distinct, 1), rows);
}

double
twin_shape_distinct(const TwinIndexShape *shape, int columns)
{
    return twin_shape_distinct_where(shape, columns, 0, 1);
}
