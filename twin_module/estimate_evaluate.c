// SPDX-License-Identifier: PostgreSQL
/*
 * What an expression gives for the values of its only column that statistics show.
 *
 * A new index's expression has no statistics of its own, but it can be computed for the common values and the
 * histogram's bounds of its column: that shows how wide its values are, and how often different values of the
 * column give the same one. Only immutable functions of the server's own are run, as the planner runs them on
 * constants of a query, and an error among them (a division by zero, a text that is no number) ends the
 * attempt; so does a result that is wider than ANALYZE would keep.
 *
 * Distinct values of all are extended from those seen as ANALYZE does it (Haas and Stokes' estimator Duj1),
 * with the column's distinct values as the rows that were drawn from. Bounds of a histogram lie evenly in the
 * column's order, so a function that keeps the order (a prefix, a rounding) gives equal values for fewer of
 * them than for values drawn at random: when it has more values than there are bounds, it looks unique. Of
 * whole numbers without large gaps, as keys are, it does not: there numbers between the bounds are taken, and
 * how often the next one gives the same shows how many numbers share a value.
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
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define RESULT_BYTES_MOST 1024 /* as ANALYZE has it */
#define STEPS_LEAST 20
#define DENSE_LEAST 0.7 /* of the numbers between a column's ends: not every second one */
#define TRIES_MOST 8
#define DISTANCE_MOST 1e15 /* of whole numbers that are exact as double */

typedef struct Evaluation {
    uint32 hashes[TWIN_EVALUATED_MOST];
    int count;
    bool is_last_null; /* the newest result, which no hash is of */
    double bytes;
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

static Node *
variable_replace(Node *node, void *value)
{
    if (node == NULL)
        return NULL;
    if (IsA(node, Var))
        return (Node *)copyObject((Const *)value);
    return expression_tree_mutator(node, variable_replace, value);
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
    evaluation->bytes += width;
}

typedef struct Evaluator {
    Node *expression;
    const Var *variable;
    const AttStatsSlot *common; /* the column's, where its histogram is dense */
    MemoryContext owner;        /* of what the visit keeps */
    MemoryContext each;         /* of one value's computation */
    TwinResultVisit *visit;
    void *context;
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

/* False: the expression cannot be computed now. */
static bool
value_evaluate(Evaluator *evaluator, Datum datum, bool is_null, double share, TwinResultOrigin origin)
{
    const Var *variable = evaluator->variable;
    int16 length;
    bool by_value, is_done;
    Const *value;
    Node *result;
    MemoryContextSwitchTo(evaluator->each);
    get_typlenbyval(variable->vartype, &length, &by_value);
    value = makeConst(variable->vartype, variable->vartypmod, variable->varcollid, length, datum, is_null,
                      by_value);
    result = eval_const_expressions(NULL, variable_replace(evaluator->expression, value));
    is_done = IsA(result, Const) && !result_is_wide((const Const *)result);
    MemoryContextSwitchTo(evaluator->owner);
    if (is_done)
        evaluator->visit((const Const *)result, share, origin, evaluator->context);
    MemoryContextReset(evaluator->each);
    return is_done;
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
is_integer(Oid type)
{
    return type == INT2OID || type == INT4OID || type == INT8OID;
}

static int64
integer_read(Datum value, Oid type)
{
    return type == INT2OID   ? DatumGetInt16(value)
           : type == INT4OID ? DatumGetInt32(value)
                             : DatumGetInt64(value);
}

/* True for whole numbers of which the column has most between the first bound and the last. */
static bool
histogram_is_dense(const Evaluator *evaluator, const AttStatsSlot *slot, double distinct)
{
    Oid type = evaluator->variable->vartype;
    return is_integer(type) && slot->nvalues > 1 &&
           distinct >= DENSE_LEAST * ((double)integer_read(slot->values[slot->nvalues - 1], type) -
                                      (double)integer_read(slot->values[0], type));
}

static Datum
integer_form(int64 value, Oid type)
{
    return type == INT2OID   ? Int16GetDatum((int16)value)
           : type == INT4OID ? Int32GetDatum((int32)value)
                             : Int64GetDatum(value);
}

static bool
is_common(const Evaluator *evaluator, int64 number)
{
    const AttStatsSlot *common = evaluator->common;
    int i;
    for (i = 0; i < common->nvalues; i++) {
        if (integer_read(common->values[i], evaluator->variable->vartype) == number)
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
    int64 low = integer_read(slot->values[at], type), moved;
    int tries;
    distance = at < slot->nvalues - 1 ? (double)integer_read(slot->values[at + 1], type) - (double)low : 0;
    if (at == 0 || !(distance >= 1 && distance <= DISTANCE_MOST)) /* foreign bounds may be in any order */
        return value_evaluate(evaluator, slot->values[at], false, share, TWIN_OF_HISTOGRAM);
    moved = low + (int64)((turn - floor(turn)) * distance);
    for (tries = 0; tries < TRIES_MOST && moved > low && is_common(evaluator, moved); tries++)
        moved--; /* a common value would be seen twice */
    return value_evaluate(evaluator, integer_form(moved, type), false, share, TWIN_OF_HISTOGRAM) &&
           value_evaluate(evaluator, integer_form(moved + 1, type), false, 0, TWIN_OF_NEXT);
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

static bool
slot_read(AttStatsSlot *slot, HeapTuple statistics, int kind, int flags, Oid type)
{
    if (!get_attstatsslot(slot, statistics, kind, InvalidOid, flags))
        return false;
    if (slot->valuetype == type && (!(flags & ATTSTATSSLOT_NUMBERS) || slot->nnumbers == slot->nvalues))
        return true;
    free_attstatsslot(slot);
    memset(slot, 0, sizeof(*slot));
    return false;
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
    slot_read(&common, statistics, STATISTIC_KIND_MCV, ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS, type);
    slot_read(&histogram, statistics, STATISTIC_KIND_HISTOGRAM, ATTSTATSSLOT_VALUES, type);
    for (i = 0; i < common.nvalues; i++)
        rest = Max(rest - Max(common.numbers[i], 0), 0);
    evaluator->common = &common;
    common_most = Max(most - histogram.nvalues, most / 2);
    is_done = common_evaluate(evaluator, &common, common_most) &&
              histogram_evaluate(evaluator, &histogram, most - Min(common.nvalues, common_most), rest,
                                 histogram_is_dense(evaluator, &histogram, distinct - common.nvalues));
    free_attstatsslot(&common);
    free_attstatsslot(&histogram);
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
    VariableStatData data;
    TwinUntrusted run;
    volatile bool is_done = false;
    bool is_default;
    if (IsInParallelMode() || contain_mutable_functions(expression) ||
        calls_foreign_function(expression, NULL))
        return false;
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple)) {
        evaluator.each = AllocSetContextCreate(evaluator.owner, "fettle twin value", ALLOCSET_DEFAULT_SIZES);
        twin_untrusted_begin(&run, GetUserId());
        PG_TRY();
        {
            is_done = statistics_evaluate(&evaluator, data.statsTuple,
                                          get_variable_numdistinct(&data, &is_default));
            twin_untrusted_end(&run);
        }
        PG_CATCH();
        {
            is_done = false;
            twin_untrusted_fail(&run, "an expression's values");
        }
        PG_END_TRY();
        MemoryContextDelete(evaluator.each);
    }
    ReleaseVariableStats(data);
    return is_done;
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
distinct_extend(Evaluation *evaluation, double column_distinct)
{
    double seen = evaluation->count, distinct = 0, once = 0;
    int i, same;
    qsort(evaluation->hashes, evaluation->count, sizeof(uint32), hash_compare);
    for (i = 0; i < evaluation->count; i += same) {
        for (same = 1; i + same < evaluation->count && evaluation->hashes[i + same] == evaluation->hashes[i];
             same++)
            ;
        distinct++;
        once += same == 1;
    }
    return Max(Min(seen * distinct / (seen - once + once * seen / Max(column_distinct, seen)),
                   distinct_by_steps(evaluation, distinct, Max(column_distinct, seen))),
               distinct);
}

bool
twin_expression_evaluate(const TwinIndexShape *shape, Node *expression, Var *variable, double *ret_distinct,
                         double *ret_width)
{
    Evaluation *evaluation = palloc0(sizeof(Evaluation));
    VariableStatData data;
    bool is_default;
    bool is_done = twin_expression_results(shape, expression, variable, result_count, evaluation) &&
                   evaluation->count >= 2;
    if (is_done) {
        examine_variable(shape->root, (Node *)variable, 0, &data);
        *ret_distinct = distinct_extend(evaluation, get_variable_numdistinct(&data, &is_default));
        *ret_width = evaluation->bytes / evaluation->count;
        ReleaseVariableStats(data);
    }
    pfree(evaluation);
    return is_done;
}
