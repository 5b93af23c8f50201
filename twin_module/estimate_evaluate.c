// SPDX-License-Identifier: PostgreSQL
/*
 * What an expression gives for the values of its columns that statistics show.
 *
 * A new index's expression has no statistics of its own, but it can be computed for the common values and the
 * histogram's bounds of its column, or for rows drawn from several columns (estimate_rows.c): that shows how
 * wide its values are, and how often different values of the column give the same one. Only immutable
 * functions of the server's own are run, as the planner runs them on constants of a query, and an error among
 * them (a division by zero, a text that is no number) ends the attempt; so does a result that is wider than
 * ANALYZE would keep.
 *
 * Distinct values of all are extended from those seen as ANALYZE does it (Haas and Stokes' estimator Duj1),
 * with the column's distinct values as the rows that were drawn from. Bounds of a histogram lie evenly in the
 * column's order, so a function that keeps the order (a prefix, a rounding) gives equal values for fewer of
 * them than for values drawn at random: when it has more values than there are bounds, it looks unique. Of
 * whole numbers without large gaps, as keys are, it does not: there numbers between the bounds are taken, and
 * how often the next one gives the same shows how many numbers share a value.
 *
 * Of several columns, an expression has at least as many values as the one that has most, where all of that
 * one's give others while the rest stay, as in a sum.
 */
#include "estimate.h"
#include "untrusted.h"

#include <math.h>

#include "access/detoast.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define RESULT_BYTES_MOST 1024 /* as ANALYZE has it */
#define STEPS_LEAST 20
#define TRIES_MOST 8

typedef struct Evaluation {
    uint32 hashes[TWIN_EVALUATED_MOST];
    int count;
    bool is_last_null; /* the newest result, which no hash is of */
    double bytes;      /* mean times share */
    double share;
    TwinRange range;
    int steps;   /* from a whole number to the next */
    int changes; /* of these, with another result */
} Evaluation;

static bool
is_foreign_function(Oid function, void *context)
{
    return function >= FirstNormalObjectId;
}

static bool
calls_foreign_function(Node *node, void *context)
{
    return node != NULL && (check_functions_in_node(node, is_foreign_function, context) ||
                            expression_tree_walker(node, calls_foreign_function, context));
}

bool
twin_expression_is_computable(Node *expression)
{
    return !IsInParallelMode() && !contain_mutable_functions(expression) &&
           !calls_foreign_function(expression, NULL);
}

static Node *
variables_replace(Node *node, void *row)
{
    ListCell *cell;
    if (node == NULL)
        return NULL;
    foreach (cell, (List *)row) {
        TwinValue *value = lfirst(cell);
        if (IsA(node, Var) && equal(node, value->variable))
            return (Node *)copyObject(value->constant);
    }
    return expression_tree_mutator(node, variables_replace, row);
}

static void
result_range_add(Evaluation *evaluation, const Const *result)
{
    Oid type = getBaseType(result->consttype);
    char category;
    bool is_preferred;
    get_type_category_preferred(type, &category, &is_preferred);
    if (type == NUMERICOID || twin_is_integer(type)) {
        char *text = type == NUMERICOID
                         ? DatumGetCString(DirectFunctionCall1(numeric_out, result->constvalue))
                         : psprintf(INT64_FORMAT, twin_integer_read(result->constvalue, type));
        twin_range_add(&evaluation->range, text, (int)strlen(text));
        pfree(text);
    } else if (category == TYPCATEGORY_STRING && result->constlen == -1) {
        struct varlena *value = PG_DETOAST_DATUM_PACKED(result->constvalue);
        twin_range_add(&evaluation->range, VARDATA_ANY(value), (int)VARSIZE_ANY_EXHDR(value));
    } else {
        evaluation->range.is_numeric = false;
    }
}

static void
result_count(const Const *result, double share, TwinResultOrigin origin, void *context)
{
    Evaluation *evaluation = context;
    const void *bytes = &result->constvalue;
    Size size = sizeof(Datum);
    double width = result->constlen;
    uint32 hash;
    if (origin != TWIN_OF_NEXT)
        evaluation->is_last_null = result->constisnull;
    if (result->constisnull || origin == TWIN_OF_NULL || (origin == TWIN_OF_NEXT && evaluation->is_last_null))
        return;
    if (result->constlen == -1) {
        struct varlena *value = PG_DETOAST_DATUM_PACKED(result->constvalue);
        bytes = VARDATA_ANY(value);
        size = VARSIZE_ANY_EXHDR(value);
        width = size + VARHDRSZ_SHORT;
    } else if (!result->constbyval) {
        bytes = DatumGetPointer(result->constvalue);
        size = result->constlen == -2 ? strlen(bytes) + 1 : (Size)result->constlen;
        width = size;
    }
    hash = DatumGetUInt32(hash_any(bytes, (int)size));
    if (origin == TWIN_OF_NEXT) {
        evaluation->steps += evaluation->count > 0;
        evaluation->changes += evaluation->count > 0 && evaluation->hashes[evaluation->count - 1] != hash;
        return;
    }
    evaluation->hashes[evaluation->count++] = hash;
    result_range_add(evaluation, result);
    evaluation->bytes += width * share;
    evaluation->share += share;
}

typedef struct Evaluator {
    Node *expression;
    const Var *variable;
    const AttStatsSlot *common; /* the column's, where its histogram is dense */
    MemoryContext owner;        /* of what the visit keeps */
    MemoryContext each;         /* of one value's computation */
    TwinResultVisit *visit;
    void *context;
    double *varied; /* NULL, or for the rows in which one column varies: the values of that column */
} Evaluator;

static bool
result_is_wide(const Const *result)
{
    Size size = 0;
    if (!result->constisnull && result->constlen == -1)
        size = toast_raw_datum_size(result->constvalue);
    else if (!result->constisnull && result->constlen == -2)
        size = strlen(DatumGetCString(result->constvalue));
    return size > RESULT_BYTES_MOST;
}

TwinValue *
twin_value_make(const Var *variable, Datum datum, bool is_null)
{
    TwinValue *value = palloc(sizeof(TwinValue));
    int16 length;
    bool by_value;
    get_typlenbyval(variable->vartype, &length, &by_value);
    value->variable = variable;
    value->constant = makeConst(variable->vartype, variable->vartypmod, variable->varcollid, length, datum,
                                is_null, by_value);
    return value;
}

const Const *
twin_expression_compute(Node *expression, List *row)
{
    Node *result = eval_const_expressions(NULL, variables_replace(expression, row));
    return IsA(result, Const) && !result_is_wide((const Const *)result) ? (const Const *)result : NULL;
}

/* False: the expression cannot be computed now. */
static bool
value_evaluate(Evaluator *evaluator, Datum datum, bool is_null, double share, TwinResultOrigin origin)
{
    const Const *result;
    MemoryContextSwitchTo(evaluator->each);
    result = twin_expression_compute(evaluator->expression,
                                     list_make1(twin_value_make(evaluator->variable, datum, is_null)));
    MemoryContextSwitchTo(evaluator->owner);
    if (result != NULL)
        evaluator->visit(result, share, origin, evaluator->context);
    MemoryContextReset(evaluator->each);
    return result != NULL;
}

/* The most common ones as they are; of the others, where they are too many, every few are shown by one. */
static bool
common_evaluate(Evaluator *evaluator, const AttStatsSlot *slot, int most)
{
    int exact = slot->nvalues <= most ? slot->nvalues : most / 2, shown = Min(slot->nvalues, most) - exact, i;
    for (i = 0; i < exact; i++) {
        if (!value_evaluate(evaluator, slot->values[i], false, Max(slot->numbers[i], 0), TWIN_OF_COMMON))
            return false;
    }
    for (i = 0; i < shown; i++) {
        int first = exact + (int)((int64)i * (slot->nvalues - exact) / shown),
            end = exact + (int)((int64)(i + 1) * (slot->nvalues - exact) / shown), j;
        double share = 0;
        for (j = first; j < end; j++)
            share += Max(slot->numbers[j], 0);
        if (!value_evaluate(evaluator, slot->values[first], false, share, TWIN_OF_OTHERS))
            return false;
    }
    return true;
}

static bool
is_common(const Evaluator *evaluator, int64 number)
{
    const AttStatsSlot *common = evaluator->common;
    int i;
    for (i = 0; i < common->nvalues; i++) {
        if (twin_integer_read(common->values[i], evaluator->variable->vartype) == number)
            return true;
    }
    return false;
}

/* A number between this bound and the next that is no common value, and its own next. The bounds of a dense
 * column lie at equal distances, of which a remainder or a last digit would show one value only. */
static bool
dense_evaluate(Evaluator *evaluator, const AttStatsSlot *slot, int at, double share)
{
    Oid type = evaluator->variable->vartype;
    double turn = at * 0.6180339887498949, distance;
    int64 low = twin_integer_read(slot->values[at], type), moved;
    int tries;
    distance =
        at < slot->nvalues - 1 ? (double)twin_integer_read(slot->values[at + 1], type) - (double)low : 0;
    if (at == 0 ||
        !(distance >= 1 && distance <= TWIN_DISTANCE_MOST)) /* foreign bounds may be in any order */
        return value_evaluate(evaluator, slot->values[at], false, share, TWIN_OF_HISTOGRAM);
    moved = low + (int64)((turn - floor(turn)) * distance);
    for (tries = 0; tries < TRIES_MOST && moved > low && is_common(evaluator, moved); tries++)
        moved--; /* a common value would be seen twice */
    return value_evaluate(evaluator, twin_integer_form(moved, type), false, share, TWIN_OF_HISTOGRAM) &&
           value_evaluate(evaluator, twin_integer_form(moved + 1, type), false, 0, TWIN_OF_NEXT);
}

/* From end to end. */
static bool
histogram_evaluate(Evaluator *evaluator, const AttStatsSlot *slot, int most, double rest, bool is_dense)
{
    int shown = Min(slot->nvalues, most), i;
    for (i = 0; i < shown; i++) {
        int at = shown < 2 ? 0 : (int)((int64)i * (slot->nvalues - 1) / (shown - 1));
        double share = rest / shown;
        if (!(is_dense ? dense_evaluate(evaluator, slot, at, share)
                       : value_evaluate(evaluator, slot->values[at], false, share, TWIN_OF_HISTOGRAM)))
            return false;
    }
    return true;
}

/* NULL, the common values, then the histogram's, which share what the others leave. distinct: the column's
 * values. */
static bool
statistics_evaluate(Evaluator *evaluator, HeapTuple statistics, double distinct)
{
    double nulls = Min(Max(((Form_pg_statistic)GETSTRUCT(statistics))->stanullfrac, 0), 1), rest = 1 - nulls;
    Oid type = evaluator->variable->vartype;
    AttStatsSlot common = {0}, histogram = {0};
    bool is_done;
    int most = TWIN_EVALUATED_MOST - 1, common_most, i;
    if (nulls > 0 && !value_evaluate(evaluator, (Datum)0, true, nulls, TWIN_OF_NULL))
        return false;
    twin_slot_read(&common, statistics, STATISTIC_KIND_MCV, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS, type);
    twin_slot_read(&histogram, statistics, STATISTIC_KIND_HISTOGRAM, ATTSTATSSLOT_VALUES, type);
    for (i = 0; i < common.nvalues; i++)
        rest = Max(rest - Max(common.numbers[i], 0), 0);
    evaluator->common = &common;
    common_most = Max(most - histogram.nvalues, most / 2);
    is_done = common_evaluate(evaluator, &common, common_most) &&
              histogram_evaluate(evaluator, &histogram, most - Min(common.nvalues, common_most), rest,
                                 twin_histogram_is_dense(&histogram, type, distinct - common.nvalues));
    free_attstatsslot(&common);
    free_attstatsslot(&histogram);
    return is_done;
}

/* Of an expression that is made of one column. */
static bool
variable_evaluate(Evaluator *evaluator, const TwinIndexShape *shape)
{
    VariableStatData data;
    bool is_default, is_done = false;
    examine_variable(shape->root, (Node *)evaluator->variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple))
        is_done =
            statistics_evaluate(evaluator, data.statsTuple, get_variable_numdistinct(&data, &is_default));
    ReleaseVariableStats(data);
    return is_done;
}

/* Of one that is made of several. */
static bool
rows_evaluate(Evaluator *evaluator, const TwinIndexShape *shape)
{
    TwinRow *rows;
    int count = evaluator->varied == NULL
                    ? twin_rows_draw(shape, evaluator->expression, &rows)
                    : twin_rows_vary(shape, evaluator->expression, &rows, evaluator->varied);
    int i;
    for (i = 0; i < count; i++) {
        const Const *result;
        MemoryContextSwitchTo(evaluator->each);
        result = twin_expression_compute(evaluator->expression, rows[i].values);
        MemoryContextSwitchTo(evaluator->owner);
        if (result != NULL)
            evaluator->visit(result, rows[i].share, TWIN_OF_ROW, evaluator->context);
        MemoryContextReset(evaluator->each);
        if (result == NULL)
            return false;
    }
    return count > 0;
}

static bool
evaluator_run(Evaluator evaluator, const TwinIndexShape *shape)
{
    TwinUntrusted run;
    volatile bool is_done = false;
    if (!twin_expression_is_computable(evaluator.expression))
        return false;
    evaluator.each = AllocSetContextCreate(evaluator.owner, "fettle twin value", ALLOCSET_DEFAULT_SIZES);
    twin_untrusted_begin(&run, GetUserId());
    PG_TRY();
    {
        is_done = evaluator.variable != NULL ? variable_evaluate(&evaluator, shape)
                                             : rows_evaluate(&evaluator, shape);
        twin_untrusted_end(&run);
    }
    PG_CATCH();
    {
        is_done = false;
        twin_untrusted_fail(&run, "an expression's values");
    }
    PG_END_TRY();
    MemoryContextDelete(evaluator.each);
    return is_done;
}

bool
twin_expression_results(const TwinIndexShape *shape, Node *expression, Var *variable, TwinResultVisit *visit,
                        void *context)
{
    Evaluator evaluator = {.expression = expression,
                           .variable = variable,
                           .owner = CurrentMemoryContext,
                           .visit = visit,
                           .context = context};
    return evaluator_run(evaluator, shape);
}

static int
hash_compare(const void *left, const void *right)
{
    uint32 a = *(const uint32 *)left, b = *(const uint32 *)right;
    return a < b ? -1 : a > b;
}

/* Where the next number gives the same in some of many steps, all numbers give as many values as there are
 * other steps. */
static double
distinct_by_steps(const Evaluation *evaluation, double seen_distinct, double column_distinct)
{
    if (evaluation->steps < STEPS_LEAST)
        return column_distinct;
    /* without any, there are as many as were seen, or up to one in so many steps: between both */
    return evaluation->changes == 0 ? sqrt(seen_distinct * column_distinct / evaluation->steps)
                                    : column_distinct * evaluation->changes / evaluation->steps;
}

static double
distinct_extend(Evaluation *evaluation, double column_distinct, double least)
{
    double seen = evaluation->count, distinct = 0, once = 0, extended;
    int i, same;
    qsort(evaluation->hashes, evaluation->count, sizeof(uint32), hash_compare);
    for (i = 0; i < evaluation->count; i += same) {
        for (same = 1; i + same < evaluation->count && evaluation->hashes[i + same] == evaluation->hashes[i];
             same++)
            ;
        distinct++;
        once += same == 1;
    }
    extended = Min(seen * distinct / (seen - once + once * seen / Max(column_distinct, seen)),
                   distinct_by_steps(evaluation, distinct, Max(column_distinct, seen)));
    return Max(Min(Max(extended, least), twin_range_values(&evaluation->range, distinct)), distinct);
}

/* Values of the column that has most, where no two of them gave the same while the other columns stayed: the
 * expression has as many at least. Else 0. */
static double
distinct_least(const TwinIndexShape *shape, Node *expression)
{
    Evaluation *evaluation = palloc0(sizeof(Evaluation));
    double distinct = 0;
    Evaluator evaluator = {.expression = expression,
                           .owner = CurrentMemoryContext,
                           .visit = result_count,
                           .context = evaluation,
                           .varied = &distinct};
    int i;
    if (!evaluator_run(evaluator, shape) || evaluation->count < STEPS_LEAST)
        distinct = 0;
    qsort(evaluation->hashes, evaluation->count, sizeof(uint32), hash_compare);
    for (i = 1; i < evaluation->count; i++) {
        if (evaluation->hashes[i] == evaluation->hashes[i - 1])
            distinct = 0;
    }
    pfree(evaluation);
    return distinct;
}

/* As many as the column has, or, of several, as many as there can be rows that differ. */
static double
distinct_inputs(const TwinIndexShape *shape, Node *expression, Var *variable)
{
    VariableStatData data;
    bool is_default;
    double distinct;
    if (variable == NULL)
        return twin_rows_possible(shape, expression);
    examine_variable(shape->root, (Node *)variable, 0, &data);
    distinct = get_variable_numdistinct(&data, &is_default);
    ReleaseVariableStats(data);
    return distinct;
}

bool
twin_expression_evaluate(const TwinIndexShape *shape, Node *expression, Var *variable, double *ret_distinct,
                         double *ret_width)
{
    Evaluation *evaluation = palloc0(sizeof(Evaluation));
    bool is_done;
    twin_range_begin(&evaluation->range);
    is_done = twin_expression_results(shape, expression, variable, result_count, evaluation) &&
              evaluation->count >= 2;
    if (is_done) {
        *ret_distinct = distinct_extend(evaluation, distinct_inputs(shape, expression, variable),
                                        variable != NULL ? 0 : distinct_least(shape, expression));
        *ret_width = evaluation->share > 0 ? evaluation->bytes / evaluation->share : 1;
    }
    pfree(evaluation);
    return is_done;
}
