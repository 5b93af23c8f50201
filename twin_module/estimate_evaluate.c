// SPDX-License-Identifier: PostgreSQL
/*
 * What an expression gives for the values of its only column that statistics show.
 *
 * A new index's expression has no statistics of its own, but it can be computed for the common values and the
 * histogram's bounds of its column: that shows how wide its values are, and how often different values of the
 * column give the same one. Only immutable functions of the server's own are run, as the planner runs them on
 * constants of a query, and an error among them (a division by zero, a text that is no number) ends the
 * attempt.
 *
 * Distinct values of all are extended from those seen as ANALYZE does it (Haas and Stokes' estimator Duj1),
 * with the column's distinct values as the rows that were drawn from. Bounds of a histogram lie evenly in the
 * column's order, so a function that keeps the order (a prefix, a rounding) gives equal values for fewer of
 * them than for values drawn at random: when it has more values than there are bounds, it looks unique.
 */
#include "estimate.h"
#include "untrusted.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_statistic.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

typedef struct Evaluation {
    uint32 hashes[TWIN_EVALUATED_MOST];
    int count;
    double bytes;
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
    if (result->constisnull || origin == TWIN_OF_NULL)
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
    evaluation->hashes[evaluation->count++] = DatumGetUInt32(hash_any(bytes, (int)size));
    evaluation->bytes += width;
}

typedef struct Evaluator {
    Node *expression;
    const Var *variable;
    int count;
    TwinResultVisit *visit;
    void *context;
} Evaluator;

/* False: the expression cannot be computed now. */
static bool
value_evaluate(Evaluator *evaluator, Datum datum, bool is_null, double share, TwinResultOrigin origin)
{
    const Var *variable = evaluator->variable;
    int16 length;
    bool by_value;
    Const *value;
    Node *result;
    if (evaluator->count == TWIN_EVALUATED_MOST)
        return true;
    get_typlenbyval(variable->vartype, &length, &by_value);
    value = makeConst(variable->vartype, variable->vartypmod, variable->varcollid, length, datum, is_null,
                      by_value);
    result = eval_const_expressions(NULL, variable_replace(evaluator->expression, value));
    if (!IsA(result, Const))
        return false;
    evaluator->count++;
    evaluator->visit((const Const *)result, share, origin, evaluator->context);
    return true;
}

/* The common values, then the histogram's, which share what the common ones and NULL leave. */
static bool
statistics_evaluate(Evaluator *evaluator, HeapTuple statistics)
{
    static const int kinds[] = {STATISTIC_KIND_MCV, STATISTIC_KIND_HISTOGRAM};
    double nulls = Min(Max(((Form_pg_statistic)GETSTRUCT(statistics))->stanullfrac, 0), 1), rest = 1 - nulls;
    bool is_done = true;
    int i, j;
    for (i = 0; i < 2 && is_done; i++) {
        TwinResultOrigin origin = i == 0 ? TWIN_OF_COMMON : TWIN_OF_HISTOGRAM;
        AttStatsSlot slot;
        if (!get_attstatsslot(&slot, statistics, kinds[i], InvalidOid,
                              ATTSTATSSLOT_VALUES | (i == 0 ? ATTSTATSSLOT_NUMBERS : 0)))
            continue;
        for (j = 0; slot.valuetype == evaluator->variable->vartype && j < slot.nvalues && is_done; j++) {
            double share = i == 1 ? rest / slot.nvalues : j < slot.nnumbers ? Max(slot.numbers[j], 0) : 0;
            is_done = value_evaluate(evaluator, slot.values[j], false, share, origin);
        }
        for (j = 0; i == 0 && j < slot.nnumbers; j++)
            rest = Max(rest - slot.numbers[j], 0);
        free_attstatsslot(&slot);
    }
    if (is_done && nulls > 0)
        value_evaluate(evaluator, (Datum)0, true, nulls, TWIN_OF_NULL);
    return is_done;
}

bool
twin_expression_results(const TwinIndexShape *shape, Node *expression, Var *variable, TwinResultVisit *visit,
                        void *context)
{
    Evaluator evaluator = {
        .expression = expression, .variable = variable, .visit = visit, .context = context};
    VariableStatData data;
    TwinUntrusted run;
    volatile bool is_done = false;
    if (IsInParallelMode() || contain_mutable_functions(expression) ||
        calls_foreign_function(expression, NULL))
        return false;
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple)) {
        twin_untrusted_begin(&run, GetUserId());
        PG_TRY();
        {
            is_done = statistics_evaluate(&evaluator, data.statsTuple);
            twin_untrusted_end(&run);
        }
        PG_CATCH();
        {
            is_done = false;
            twin_untrusted_fail(&run, "an expression's values");
        }
        PG_END_TRY();
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
    return seen * distinct / (seen - once + once * seen / Max(column_distinct, seen));
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
