// SPDX-License-Identifier: PostgreSQL
/*
 * Rows that a partial index holds.
 *
 * The planner knows what `status = 'open'` leaves of a table, from the column's statistics. Of `length(name)
 * = 3` or `id % 10 = 0` it guesses (half a percent, a third), and so would the size of an index be a guess,
 * for what an index's predicate gives is not among the statistics that ANALYZE gathers either. The predicate
 * is therefore computed for the column's values that statistics show, or, where it sets columns beside each
 * other, for rows drawn from them.
 */
#include "estimate.h"

#include "access/htup_details.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/selfuncs.h"

/* Something made of columns, of whose values nothing is known. */
static bool
is_unknown(const TwinIndexShape *shape, Node *expression)
{
    VariableStatData variable;
    bool has_statistics;
    expression = twin_expression_bare(expression);
    if (IsA(expression, Var) || pull_var_clause(expression, 0) == NIL)
        return false;
    examine_variable(shape->root, expression, 0, &variable);
    has_statistics = HeapTupleIsValid(variable.statsTuple);
    ReleaseVariableStats(variable);
    return !has_statistics;
}

static bool
any_is_unknown(const TwinIndexShape *shape, List *expressions)
{
    ListCell *cell;
    foreach (cell, expressions) {
        if (is_unknown(shape, lfirst(cell)))
            return true;
    }
    return false;
}

/* Columns beside each other, of which the planner knows what joins need, but not a filter. */
static bool
compares_columns(List *sides)
{
    return list_length(sides) == 2 && pull_var_clause(linitial(sides), 0) != NIL &&
           pull_var_clause(lsecond(sides), 0) != NIL;
}

/* A condition that the planner would guess the share of. */
static bool
is_guessed(const TwinIndexShape *shape, Node *clause)
{
    ListCell *cell;
    switch (nodeTag(clause)) {
        case T_OpExpr:
        case T_DistinctExpr:
            return any_is_unknown(shape, ((OpExpr *)clause)->args) ||
                   compares_columns(((OpExpr *)clause)->args);
        case T_ScalarArrayOpExpr: return any_is_unknown(shape, ((ScalarArrayOpExpr *)clause)->args);
        case T_NullTest: return is_unknown(shape, (Node *)((NullTest *)clause)->arg);
        case T_BooleanTest: return is_guessed(shape, (Node *)((BooleanTest *)clause)->arg);
        case T_FuncExpr: return is_unknown(shape, clause);
        case T_BoolExpr:
            foreach (cell, ((BoolExpr *)clause)->args) {
                if (is_guessed(shape, lfirst(cell)))
                    return true;
            }
            return false;
        default: return false;
    }
}

typedef struct TrueShare {
    double share;
    int shown;
} TrueShare;

static void
true_share_add(const Const *result, double share, TwinResultOrigin origin, void *context)
{
    TrueShare *sum = context;
    sum->shown += origin != TWIN_OF_NEXT;
    if (!result->constisnull && DatumGetBool(result->constvalue))
        sum->share += share;
}

/* By the values that are shown; what none of them has is as rare as that, or as the planner's guess. */
static bool
clause_share(const TwinIndexShape *shape, Node *clause, double *ret_share)
{
    TrueShare sum = {0};
    if (!is_guessed(shape, clause) ||
        !twin_expression_results(shape, clause, twin_expression_variable(clause), true_share_add, &sum))
        return false;
    *ret_share = Min(sum.share, 1);
    if (sum.share <= 0)
        *ret_share = Min(clauselist_selectivity(shape->root, list_make1(clause), 0, JOIN_INNER, NULL),
                         1.0 / Max(sum.shown, 1));
    return true;
}

double
twin_predicate_share(const TwinIndexShape *shape, List *predicate)
{
    List *left = NIL; /* to the planner */
    double share = 1;
    ListCell *cell;
    foreach (cell, predicate) {
        double known;
        if (clause_share(shape, lfirst(cell), &known))
            share *= known;
        else
            left = lappend(left, lfirst(cell));
    }
    return left == NIL ? share : share * clauselist_selectivity(shape->root, left, 0, JOIN_INNER, NULL);
}
