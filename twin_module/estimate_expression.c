// SPDX-License-Identifier: PostgreSQL
/*
 * Width, distinct values and NULLs of an index expression that has no statistics, as a new index's have none.
 *
 * The server's default is 200 values of 32 bytes. What people index is mostly one column under a function of
 * few kinds: case folded, hashed, truncated in time, or taken out of a document; the column's statistics then
 * tell more, best when the expression can be computed for the values that they hold (estimate_evaluate.c).
 */
#include "estimate.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

static char
type_category(Oid type)
{
    char category;
    bool is_preferred;
    get_type_category_preferred(type, &category, &is_preferred);
    return category;
}

Node *
twin_expression_bare(Node *expression)
{
    return IsA(expression, RelabelType) ? (Node *)((RelabelType *)expression)->arg : expression;
}

List *
twin_expression_variables(Node *expression)
{
    return list_union(NIL, pull_var_clause(expression, 0));
}

Var *
twin_expression_variable(Node *expression)
{
    List *variables = twin_expression_variables(expression);
    Var *first = variables == NIL ? NULL : linitial_node(Var, variables);
    return list_length(variables) == 1 && first->varattno > 0 ? first : NULL;
}

/* True for a call of this function of the server's own. */
static bool
is_call_of(Node *expression, const char *name)
{
    const FuncExpr *call = (const FuncExpr *)expression;
    char *called;
    if (!IsA(expression, FuncExpr) || call->funcid >= FirstNormalObjectId)
        return false;
    called = get_func_name(call->funcid);
    return called != NULL && strcmp(called, name) == 0;
}

double
twin_expression_width(const TwinIndexShape *shape, const TwinColumn *column)
{
    Node *expression = column->expression;
    Var *variable = twin_expression_variable(expression);
    char category = type_category(column->type);
    double distinct, width;
    int32 known;
    if (column->length > 0)
        return column->length;
    if (is_call_of(expression, "md5"))
        return 32 + VARHDRSZ_SHORT;
    if (twin_expression_evaluate(shape, expression, variable, &distinct, &width))
        return width;
    known = variable == NULL ? 0 : get_attavgwidth(RelationGetRelid(shape->table), variable->varattno);
    if (known > 0 && (IsA(expression, Var) || category == type_category(variable->vartype)))
        return known;
    if (known > 0 && column->type == TSVECTOROID && type_category(variable->vartype) == TYPCATEGORY_STRING)
        return known * 1.3; /* words, with an entry each */
    if (!IsA(expression, Var) && category == TYPCATEGORY_NUMERIC)
        return 8;
    if (!IsA(expression, Var) && category == TYPCATEGORY_STRING && known > 0)
        return Min(known, 16); /* a piece of a document */
    return get_typavgwidth(column->type, exprTypmod(expression));
}

static double
seconds_of(Datum value, Oid type)
{
    return type == DATEOID ? DatumGetDateADT(value) * (double)SECS_PER_DAY : DatumGetTimestamp(value) / 1e6;
}

/* Time between the least and the greatest value that the column's statistics show; -1 unknown. */
static double
seconds_covered(const TwinIndexShape *shape, Var *variable)
{
    VariableStatData data;
    double covered = -1;
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple)) {
        int kinds[] = {STATISTIC_KIND_HISTOGRAM, STATISTIC_KIND_MCV}, i, j;
        double least = INFINITY, greatest = -INFINITY;
        for (i = 0; i < 2; i++) {
            AttStatsSlot slot;
            if (!get_attstatsslot(&slot, data.statsTuple, kinds[i], InvalidOid, ATTSTATSSLOT_VALUES))
                continue;
            for (j = 0; slot.valuetype == variable->vartype && j < slot.nvalues; j++) {
                double at = seconds_of(slot.values[j], slot.valuetype);
                least = Min(least, at);
                greatest = Max(greatest, at);
            }
            free_attstatsslot(&slot);
        }
        if (greatest >= least)
            covered = greatest - least;
    }
    ReleaseVariableStats(data);
    return covered;
}

typedef struct TimeUnit {
    const char *name;
    double seconds;  /* 0: not one that lasts */
    double distinct; /* values of the field when the time goes on for ever; 0: no end */
} TimeUnit;

static const TimeUnit time_units[] = {
    {"second", 1, 60},        {"minute", 60, 60},           {"hour", 3600, 24},      {"day", 86400, 31},
    {"week", 604800, 53},     {"month", 2629746, 12},       {"quarter", 7889238, 4}, {"year", 31556952, 0},
    {"decade", 315569520, 0}, {"century", 3155695200.0, 0}, {"dow", 86400, 7},       {"isodow", 86400, 7},
    {"doy", 86400, 366},      {"isoyear", 31556952, 0},
};

static const TimeUnit *
time_unit_find(Node *argument)
{
    const Const *constant = (const Const *)argument;
    char *name;
    size_t i;
    if (!IsA(argument, Const) || constant->constisnull || constant->consttype != TEXTOID)
        return NULL;
    name = TextDatumGetCString(constant->constvalue);
    for (i = 0; i < lengthof(time_units); i++) {
        if (pg_strcasecmp(name, time_units[i].name) == 0)
            return &time_units[i];
    }
    return NULL;
}

/* Values of a point in time cut to a unit, or of one of its fields; -1: not such an expression, or the time
 * is unknown. */
static double
time_distinct(const TwinIndexShape *shape, Node *expression, Var *variable)
{
    static const TimeUnit day = {"day", 86400, 0};
    const TimeUnit *unit = NULL;
    bool is_field = is_call_of(expression, "date_part") || is_call_of(expression, "extract");
    double covered;
    if (variable->vartype != DATEOID && variable->vartype != TIMESTAMPOID &&
        variable->vartype != TIMESTAMPTZOID)
        return -1;
    if (is_field || is_call_of(expression, "date_trunc"))
        unit = time_unit_find(linitial(((FuncExpr *)expression)->args));
    else if (is_call_of(expression, "date"))
        unit = &day;
    if (unit == NULL)
        return -1;
    covered = seconds_covered(shape, variable);
    if (covered < 0)
        return -1;
    covered = floor(covered / unit->seconds) + 1;
    return is_field && unit->distinct > 0 ? Min(covered, unit->distinct) : covered;
}

static void
null_share_add(const Const *result, double share, TwinResultOrigin origin, void *context)
{
    double *null_share = context;
    if (result->constisnull)
        *null_share += share;
}

/* What the expression gives for the values that statistics show, or, where it is not computed but strict, the
 * rows in which one of its columns is NULL. */
double
twin_expression_null_share(const TwinIndexShape *shape, const TwinColumn *column)
{
    Var *variable = twin_expression_variable(column->expression);
    double share = 0, whole = 1;
    Bitmapset *columns = NULL;
    int number = -1;
    if (twin_expression_results(shape, column->expression, variable, null_share_add, &share))
        return Min(share, 1);
    if (contain_nonstrict_functions(column->expression))
        return 0;
    pull_varattnos(column->expression, 1, &columns);
    while ((number = bms_next_member(columns, number)) >= 0) {
        AttrNumber attribute = number + FirstLowInvalidHeapAttributeNumber;
        HeapTuple statistics =
            SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(RelationGetRelid(shape->table)),
                            Int16GetDatum(attribute), BoolGetDatum(false));
        float4 nulls;
        if (!HeapTupleIsValid(statistics))
            continue;
        nulls = ((Form_pg_statistic)GETSTRUCT(statistics))->stanullfrac;
        whole *= isnan(nulls) ? 1 : 1 - Min(Max(nulls, 0), 1);
        ReleaseSysCache(statistics);
    }
    return 1 - whole;
}

/* Of so many values that the expression can have as there are rows, and rows of the columns that differ. */
static double
several_distinct(const TwinIndexShape *shape, Node *expression, double possible)
{
    return Min(twin_distinct_drawn(possible, Max(shape->rel->tuples, 1)),
               twin_shape_distinct_variables(shape, twin_expression_variables(expression)));
}

/*
 * What is known of time, or shows when the expression is computed for values of its column. Without that the
 * values of the expression's columns, as GROUP BY counts them; what is taken out of a document or an array is
 * not as diverse as these: the planner's default stays.
 */
double
twin_expression_distinct(const TwinIndexShape *shape, const TwinColumn *column)
{
    Var *variable = twin_expression_variable(column->expression);
    double groups = twin_estimate_num_groups(shape->root, list_make1(column->expression), shape->rel->tuples),
           distinct, width;
    if (variable == NULL)
        return twin_expression_evaluate(shape, column->expression, NULL, &distinct, &width)
                   ? several_distinct(shape, column->expression, distinct)
                   : groups;
    distinct = time_distinct(shape, column->expression, variable);
    if (distinct > 0 || twin_expression_evaluate(shape, column->expression, variable, &distinct, &width))
        return Min(distinct, groups);
    if (column->type != variable->vartype) {
        char category = type_category(variable->vartype);
        if (category == TYPCATEGORY_USER || category == TYPCATEGORY_ARRAY ||
            category == TYPCATEGORY_COMPOSITE)
            return column->distinct;
    }
    return groups;
}
