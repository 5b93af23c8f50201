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

#define EVALUATED_MOST 400

typedef struct Evaluation {
    uint32 hashes[EVALUATED_MOST];
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
result_count(Evaluation *evaluation, const Const *result)
{
    const void *bytes = &result->constvalue;
    Size size = sizeof(Datum);
    double width = result->constlen;
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

/* False: the expression cannot be computed now. */
static bool
slot_evaluate(Node *expression, const Var *variable, const AttStatsSlot *slot, Evaluation *evaluation)
{
    int16 length;
    bool by_value;
    int i;
    get_typlenbyval(variable->vartype, &length, &by_value);
    for (i = 0; i < slot->nvalues && evaluation->count < EVALUATED_MOST; i++) {
        Const *value = makeConst(variable->vartype, variable->vartypmod, variable->varcollid, length,
                                 slot->values[i], false, by_value);
        Node *result = eval_const_expressions(NULL, variable_replace(expression, value));
        if (!IsA(result, Const))
            return false;
        if (!((Const *)result)->constisnull)
            result_count(evaluation, (Const *)result);
    }
    return true;
}

static bool
statistics_evaluate(Node *expression, const Var *variable, HeapTuple statistics, Evaluation *evaluation)
{
    static const int kinds[] = {STATISTIC_KIND_MCV, STATISTIC_KIND_HISTOGRAM};
    bool is_done = true;
    int i;
    for (i = 0; i < 2 && is_done; i++) {
        AttStatsSlot slot;
        if (!get_attstatsslot(&slot, statistics, kinds[i], InvalidOid, ATTSTATSSLOT_VALUES))
            continue;
        if (slot.valuetype == variable->vartype)
            is_done = slot_evaluate(expression, variable, &slot, evaluation);
        free_attstatsslot(&slot);
    }
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
    Evaluation *evaluation;
    VariableStatData data;
    TwinUntrusted run;
    volatile bool is_done = false;
    bool is_default;
    if (IsInParallelMode() || contain_mutable_functions(expression) ||
        calls_foreign_function(expression, NULL))
        return false;
    evaluation = palloc0(sizeof(Evaluation));
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple)) {
        twin_untrusted_begin(&run, GetUserId());
        PG_TRY();
        {
            is_done = statistics_evaluate(expression, variable, data.statsTuple, evaluation);
            twin_untrusted_end(&run);
        }
        PG_CATCH();
        {
            is_done = false;
            twin_untrusted_fail(&run, "an expression's values");
        }
        PG_END_TRY();
    }
    is_done = is_done && evaluation->count >= 2;
    if (is_done) {
        *ret_distinct = distinct_extend(evaluation, get_variable_numdistinct(&data, &is_default));
        *ret_width = evaluation->bytes / evaluation->count;
    }
    ReleaseVariableStats(data);
    pfree(evaluation);
    return is_done;
}
