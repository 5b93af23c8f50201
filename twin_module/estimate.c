// SPDX-License-Identifier: PostgreSQL
/*
 * Size of an index that exists only here, from the statistics of its table.
 *
 * The planner's own functions answer what it knows about columns: a private planner state with the table as
 * its only relation is made, so that expression statistics, extended statistics, unique indexes and
 * predicates count as they do for queries. Sizes are those of a freshly built index.
 */
#include "estimate.h"

#include "access/table.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/plancat.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

static int running_depth; /* an expression's statistics may be gathered within an estimate */

bool
twin_estimate_is_running(void)
{
    return running_depth > 0;
}

/* Of the table estimated last: a search estimates a hundred indexes of one table after each other, and each
 * state looks at all of them. */
static MemoryContext state_context;
static uint64 state_generation;
static Oid state_table;
static PlannerInfo *state_root;

/* A planner state with one relation, as the server makes one for CLUSTER. */
static PlannerInfo *
planner_state_make(Relation table)
{
    Query *query = makeNode(Query);
    PlannerInfo *root = makeNode(PlannerInfo);
    RangeTblEntry *entry = makeNode(RangeTblEntry);
    RelOptInfo *rel;
    query->commandType = CMD_SELECT;
    root->parse = query;
    root->glob = makeNode(PlannerGlobal);
    root->query_level = 1;
    root->planner_cxt = CurrentMemoryContext;
    twin_planner_info_complete(root);
    entry->rtekind = RTE_RELATION;
    entry->relid = RelationGetRelid(table);
    entry->relkind = table->rd_rel->relkind;
    entry->rellockmode = AccessShareLock;
    entry->inFromCl = true;
    entry->eref = makeAlias("twin", NIL);
    twin_permission_info_add(query, entry);
    query->rtable = list_make1(entry);
    setup_simple_rel_arrays(root);
    rel = build_simple_rel(root, 1, NULL);
    rel->rows = rel->tuples; /* nothing is filtered, or distinct values would shrink to one */
    return root;
}

static void
planner_state_give(TwinIndexShape *shape)
{
    MemoryContext before = CurrentMemoryContext;
    Oid table_id = RelationGetRelid(shape->table);
    if (running_depth > 1) { /* that of the outer estimate stays as it is */
        shape->root = planner_state_make(shape->table);
        shape->rel = shape->root->simple_rel_array[1];
        return;
    }
    if (state_root == NULL || state_table != table_id || state_generation != twin_catalog_generation()) {
        state_root = NULL;
        if (state_context == NULL)
            state_context =
                AllocSetContextCreate(TopMemoryContext, "fettle twin table", ALLOCSET_DEFAULT_SIZES);
        MemoryContextReset(state_context);
        MemoryContextSwitchTo(state_context);
        state_generation = twin_catalog_generation();
        state_root = planner_state_make(shape->table);
        state_table = table_id;
        MemoryContextSwitchTo(before);
    }
    shape->root = state_root;
    shape->rel = state_root->simple_rel_array[1];
}

/* Bytes of a stored value, header included; index tuples use the short header where they can. */
static double
stored_width(Datum value, int16 length)
{
    if (length == -1) {
        double bytes = VARSIZE_ANY_EXHDR(DatumGetPointer(value));
        return bytes + VARHDRSZ_SHORT <= VARATT_SHORT_MAX ? bytes + VARHDRSZ_SHORT : bytes + VARHDRSZ;
    }
    return length == -2 ? (double)strlen(DatumGetCString(value)) + 1 : length;
}

/* A range of numbers or times is as wide as any other, but for the few that are empty or open. */
static bool
is_range_of_one_width(Oid type)
{
    Oid element = get_range_subtype(getBaseType(type));
    return OidIsValid(element) && get_typlen(element) > 0;
}

/* Spread of a width of which only the mean is known. */
static void
widths_guess(TwinColumn *column)
{
    int i;
    column->width_count = column->length > 0 || is_range_of_one_width(column->type) ? 1 : 8;
    for (i = 0; i < column->width_count; i++) {
        double width = column->width_count > 1 ? column->width_mean * (0.65 + 0.1 * i) : column->width_mean;
        column->widths[i] = column->length > 0 ? column->length : Max(1, rint(width));
    }
}

/* Foreign statistics may be of any type: lengths are read of what has them. */
static bool
sample_fits(const TwinColumn *column, Oid type)
{
    return column->length == -2 ? type == NAMEOID
                                : get_typlen(type) == -1; /* a C string in an index is a name */
}

/*
 * Values that stand for all: the common ones by their share of the non-null rows, the rest evenly from the
 * histogram. The slots own them. How many: at most that many, and not so many that the histogram's would be
 * repeated, for equal values would look like frequent ones. 0 when the statistics show no values, or not of
 * this type length.
 */
static int
values_sample(HeapTuple statistics, const TwinColumn *column, AttStatsSlot *common, AttStatsSlot *histogram,
              Datum *ret_values)
{
    double common_share = 0, non_null = Max(1 - column->null_fraction, 1e-6);
    int i, count = TWIN_VALUE_SAMPLES;
    bool has_common = get_attstatsslot(common, statistics, STATISTIC_KIND_MCV, InvalidOid,
                                       ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS) &&
                      common->nnumbers == common->nvalues && common->nvalues > 0 &&
                      sample_fits(column, common->valuetype);
    bool has_histogram =
        get_attstatsslot(histogram, statistics, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES) &&
        histogram->nvalues > 0 && sample_fits(column, histogram->valuetype);
    if (!has_common && !has_histogram)
        return 0;
    for (i = 0; has_common && i < common->nnumbers; i++)
        common_share += Max(common->numbers[i], 0) / non_null;
    common_share = has_histogram ? Min(common_share, 1) : 1;
    if (common_share < 1 && histogram->nvalues / (1 - common_share) < count)
        count = Max((int)(histogram->nvalues / (1 - common_share)), 1);
    for (i = 0; i < count; i++) {
        double place = (i + 0.5) / count, reached = 0;
        if (place < common_share) {
            int at;
            for (at = 0; at < common->nvalues - 1; at++) {
                reached += common->numbers[at] / non_null;
                if (reached >= place)
                    break;
            }
            ret_values[i] = common->values[at];
        } else {
            double share = (place - common_share) / (1 - common_share);
            ret_values[i] = histogram->values[Min((int)(share * histogram->nvalues), histogram->nvalues - 1)];
        }
    }
    return count;
}

static void
widths_sample(TwinColumn *column, HeapTuple statistics)
{
    AttStatsSlot common = {0}, histogram = {0};
    Datum values[TWIN_VALUE_SAMPLES];
    double widths[TWIN_VALUE_SAMPLES], sum = 0;
    int count = values_sample(statistics, column, &common, &histogram, values), i;
    if (count > 0) {
        for (i = 0; i < count; i++) {
            widths[i] = stored_width(values[i], column->length);
            sum += widths[i] / count;
        }
        /* Values over 1 kB are in neither list, but in the average. */
        if (column->length == -2 || column->width_mean <= 1.3 * sum + 8) {
            column->width_mean = sum;
            column->width_count = count;
            memcpy(column->widths, widths, sizeof(double) * count);
        }
    }
    free_attstatsslot(&common);
    free_attstatsslot(&histogram);
}

static void
common_values_read(TwinColumn *column, HeapTuple statistics)
{
    AttStatsSlot slot;
    int i;
    if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
        column->common_count = slot.nnumbers;
        column->common_fractions = palloc(sizeof(float4) * (slot.nnumbers + 1));
        for (i = 0; i < slot.nnumbers; i++)
            column->common_fractions[i] = Min(Max(slot.numbers[i], 0), 1);
        free_attstatsslot(&slot);
    }
}

static void
order_read(TwinColumn *column, HeapTuple statistics)
{
    AttStatsSlot slot;
    if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_CORRELATION, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
        if (slot.nnumbers == 1 && !isnan(slot.numbers[0]))
            column->order = Min(Max(slot.numbers[0], -1), 1);
        free_attstatsslot(&slot);
    }
}

/* MCELEM: fractions of the elements, then least and greatest of them (and, of arrays, of NULLs). DECHIST ends
 * in the mean. */
static void
elements_read(TwinColumn *column, HeapTuple statistics)
{
    AttStatsSlot slot;
    int i;
    if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_MCELEM, InvalidOid,
                         ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS)) {
        int16 length = get_typlen(slot.valuetype);
        column->element_count = Min(slot.nvalues, slot.nnumbers);
        column->element_fractions = palloc(sizeof(float4) * (slot.nnumbers + 1));
        column->elements = slot.values;
        for (i = 0; i < column->element_count; i++) {
            column->element_fractions[i] = Min(Max(slot.numbers[i], 0), 1);
            column->element_width += stored_width(slot.values[i], length) / Max(column->element_count, 1);
        }
        /* not freed: the elements are the slot's */
    }
    if (get_attstatsslot(&slot, statistics, STATISTIC_KIND_DECHIST, InvalidOid, ATTSTATSSLOT_NUMBERS)) {
        if (slot.nnumbers > 0)
            column->element_mean = Max(slot.numbers[slot.nnumbers - 1], 0);
        free_attstatsslot(&slot);
    }
}

static bool
predicate_excludes_null(TwinIndexShape *shape, Node *expression)
{
    NullTest *test = makeNode(NullTest);
    List *predicate = RelationGetIndexPredicate(shape->index);
    test->arg = (Expr *)expression;
    test->nulltesttype = IS_NOT_NULL;
    test->location = -1;
    return predicate != NIL && predicate_implied_by(list_make1(test), predicate, false);
}

static bool
is_column(const TwinColumn *column, Node *side)
{
    return equal(twin_expression_bare(side), column->expression);
}

static bool
is_equality(const TwinColumn *column, Oid comparison, List *sides)
{
    Oid type = exprType(linitial(sides));
    TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_EQ_OPR);
    return list_length(sides) == 2 &&
           (is_column(column, linitial(sides)) || is_column(column, lsecond(sides))) &&
           (comparison == entry->eq_opr || op_mergejoinable(comparison, type));
}

/* How many values a clause of the predicate leaves of a column's; -1: it does not say of this column alone.
 */
static double
distinct_by_clause(const TwinIndexShape *shape, const TwinColumn *column, Node *clause)
{
    List *variables = pull_var_clause(clause, PVC_RECURSE_AGGREGATES | PVC_RECURSE_PLACEHOLDERS);
    ListCell *cell;
    double selectivity;
    foreach (cell, variables) {
        if (!equal(lfirst(cell), column->expression))
            return -1;
    }
    if (variables == NIL)
        return -1;
    if (IsA(clause, OpExpr) && is_equality(column, ((OpExpr *)clause)->opno, ((OpExpr *)clause)->args))
        return 1;
    if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *)clause)->useOr &&
        is_equality(column, ((ScalarArrayOpExpr *)clause)->opno, ((ScalarArrayOpExpr *)clause)->args))
        return Min(twin_estimate_array_length(shape->root, lsecond(((ScalarArrayOpExpr *)clause)->args)),
                   column->distinct);
    if (column->type == BOOLOID && !IsA(clause, NullTest))
        return 1;
    selectivity = twin_predicate_share(shape, list_make1(clause));
    return Max(column->distinct * Min(selectivity / Max(1 - column->null_fraction, 1e-6), 1), 1);
}

/* A plain column that the predicate tells of has fewer values in the index, or only NULL. */
static void
column_restrict(const TwinIndexShape *shape, TwinColumn *column)
{
    List *predicate = RelationGetIndexPredicate(shape->index);
    double distinct = column->distinct;
    List *own = NIL;
    ListCell *cell;
    column->share = 1;
    foreach (cell, predicate) {
        NullTest *test = lfirst(cell);
        double left;
        if (IsA(test, NullTest) && test->nulltesttype == IS_NULL && equal(test->arg, column->expression)) {
            column->null_fraction = 1;
            return;
        }
        left = distinct_by_clause(shape, column, lfirst(cell));
        if (left > 0)
            own = lappend(own, lfirst(cell));
        distinct = left > 0 ? Min(distinct, left) : distinct;
    }
    if (own != NIL)
        column->share = twin_predicate_share(shape, own);
    column->is_restricted = distinct < column->distinct;
    column->distinct = distinct;
}

static void
column_read(TwinIndexShape *shape, TwinColumn *column, Form_pg_attribute attribute)
{
    VariableStatData variable;
    bool is_default = false;
    column->type = exprType(column->expression);
    column->length = attribute->attlen;
    column->alignment = attribute->attalign;
    column->is_opaque = attribute->atttypid != column->type && attribute->attlen != -2;
    examine_variable(shape->root, column->expression, 0, &variable);
    column->distinct = Max(get_variable_numdistinct(&variable, &is_default), 1);
    if (is_default && !IsA(column->expression, Var))
        column->distinct = Max(twin_expression_distinct(shape, column), 1);
    if (HeapTupleIsValid(variable.statsTuple)) {
        Form_pg_statistic form = (Form_pg_statistic)GETSTRUCT(variable.statsTuple);
        column->null_fraction = isnan(form->stanullfrac) ? 0 : Min(Max(form->stanullfrac, 0), 1);
        column->width_mean = Max(form->stawidth, 1);
        widths_guess(column);
        if (column->length < 0 && !column->is_opaque)
            widths_sample(column, variable.statsTuple);
        common_values_read(column, variable.statsTuple);
        elements_read(column, variable.statsTuple);
        column->is_known = IsA(column->expression, Var);
        column->null_stored = form->stanullfrac;
        column->distinct_stored = form->stadistinct;
        order_read(column, variable.statsTuple);
    } else {
        column->width_mean = Max(twin_expression_width(shape, column), 1);
        widths_guess(column);
        if (!IsA(column->expression, Var))
            column->null_fraction = twin_expression_null_share(shape, column);
    }
    if (IsA(column->expression, Var))
        column_restrict(shape, column);
    if (predicate_excludes_null(shape, column->expression))
        column->null_fraction = 0;
    ReleaseVariableStats(variable);
}

static void
columns_read(TwinIndexShape *shape)
{
    TupleDesc table_columns = RelationGetDescr(shape->table);
    List *expressions = RelationGetIndexExpressions(shape->index);
    ListCell *next_expression = list_head(expressions);
    int i;
    shape->column_count = Min(IndexRelationGetNumberOfAttributes(shape->index), INDEX_MAX_KEYS);
    shape->key_count = Min(IndexRelationGetNumberOfKeyAttributes(shape->index), shape->column_count);
    for (i = 0; i < shape->column_count; i++) {
        AttrNumber number = shape->index->rd_index->indkey.values[i];
        TwinColumn *column = &shape->columns[i];
        if (number > 0) {
            Form_pg_attribute attribute = TupleDescAttr(table_columns, number - 1);
            column->expression = (Node *)makeVar(1, number, attribute->atttypid, attribute->atttypmod,
                                                 attribute->attcollation, 0);
        } else {
            if (number < 0 || next_expression == NULL)
                elog(ERROR, "index \"%s\" has a column of unknown kind",
                     RelationGetRelationName(shape->index));
            column->expression = lfirst(next_expression);
            next_expression = lnext(expressions, next_expression);
        }
        column_read(shape, column, TupleDescAttr(RelationGetDescr(shape->index), i));
    }
}

static bool
is_null_in(uint32 nulls, int column)
{
    return (nulls >> column & 1) != 0;
}

/* One tuple's size, its columns' widths, and NULLs where these are not told, chosen by low-discrepancy
 * sequences: the same for every call. */
static double
tuple_size(const TwinIndexShape *shape, int columns, const uint32 *nulls, int sample)
{
    double offset = 0;
    bool has_null = false;
    int i;
    for (i = 0; i < columns; i++) {
        const TwinColumn *column = &shape->columns[i];
        double turn = (sample + 0.5) * (0.6180339887498949 + 0.1 * i),
               null_turn = (sample + 0.5) * (0.7548776662466927 + 0.07 * i);
        int chosen = (int)((turn - floor(turn)) * column->width_count);
        double width = column->widths[Min(chosen, column->width_count - 1)];
        if (nulls != NULL ? is_null_in(*nulls, i) : null_turn - floor(null_turn) < column->null_fraction) {
            has_null = true;
            continue;
        }
        if (column->length == -1 ? width > VARATT_SHORT_MAX : column->length > 0)
            offset = column->alignment == TYPALIGN_DOUBLE  ? TYPEALIGN(ALIGNOF_DOUBLE, (uint64)offset)
                     : column->alignment == TYPALIGN_INT   ? TYPEALIGN(ALIGNOF_INT, (uint64)offset)
                     : column->alignment == TYPALIGN_SHORT ? TYPEALIGN(ALIGNOF_SHORT, (uint64)offset)
                                                           : (uint64)offset;
        offset += ceil(width);
    }
    return MAXALIGN(MAXALIGN(sizeof(IndexTupleData) + (has_null ? sizeof(IndexAttributeBitMapData) : 0)) +
                    (uint64)offset);
}

static double
tuple_size_mean(const TwinIndexShape *shape, int columns, const uint32 *nulls)
{
    double sum = 0;
    int i;
    for (i = 0; i < TWIN_TUPLE_SAMPLES; i++)
        sum += tuple_size(shape, columns, nulls, i);
    return sum / TWIN_TUPLE_SAMPLES;
}

double
twin_shape_tuple_size(const TwinIndexShape *shape, int columns)
{
    return tuple_size_mean(shape, columns, NULL);
}

double
twin_shape_tuple_size_where(const TwinIndexShape *shape, int columns, uint32 nulls)
{
    return tuple_size_mean(shape, columns, &nulls);
}

double
twin_shape_distinct_variables(const TwinIndexShape *shape, List *variables)
{
    TwinIndexShape *columns = palloc(sizeof(*columns));
    ListCell *cell;
    int count = 0;
    *columns = *shape;
    columns->key_count = 0; /* what the index is unique by are its own keys */
    foreach (cell, variables) {
        const Var *variable = lfirst_node(Var, cell);
        columns->columns[count].expression = (Node *)variable;
        column_read(columns, &columns->columns[count++],
                    TupleDescAttr(RelationGetDescr(shape->table), variable->varattno - 1));
    }
    return twin_shape_distinct(columns, count);
}

void
twin_shape_begin(TwinIndexShape *shape, Relation table, Relation index)
{
    memset(shape, 0, sizeof(*shape));
    shape->table = table;
    shape->index = index;
    planner_state_give(shape);
}

typedef struct IndexEstimation {
    Relation table;
    Relation index;
    TwinIndexEstimate estimate;
} IndexEstimation;

static void
index_measure(void *context)
{
    IndexEstimation *estimation = context;
    TwinIndexEstimate *ret_estimate = &estimation->estimate;
    List *predicate = RelationGetIndexPredicate(estimation->index);
    TwinIndexShape *shape = palloc(sizeof(*shape));
    twin_shape_begin(shape, estimation->table, estimation->index);
    shape->table_pages = shape->rel->pages;
    shape->rows = Max(shape->rel->tuples, 0);
    shape->is_partial = predicate != NIL;
    if (shape->is_partial)
        shape->rows *= twin_predicate_share(shape, predicate);
    shape->rows = isnan(shape->rows) ? 0 : shape->rows;
    columns_read(shape);
    ret_estimate->tuples = shape->rows;
    ret_estimate->height = -1;
    switch (shape->index->rd_rel->relam) {
        case BTREE_AM_OID: twin_estimate_btree(shape, ret_estimate); break;
        case HASH_AM_OID: twin_estimate_hash(shape, ret_estimate); break;
        case GIST_AM_OID: twin_estimate_gist(shape, ret_estimate); break;
        case SPGIST_AM_OID: twin_estimate_spgist(shape, ret_estimate); break;
        case BRIN_AM_OID: twin_estimate_brin(shape, ret_estimate); break;
        case GIN_AM_OID: twin_estimate_gin(shape, ret_estimate); break;
        default: twin_estimate_other(shape, ret_estimate);
    }
}

void
twin_estimate_run(void (*run)(void *context), void *context)
{
    MemoryContext before = CurrentMemoryContext;
    MemoryContext own = AllocSetContextCreate(before, "fettle twin estimate", ALLOCSET_DEFAULT_SIZES);
    running_depth++;
    twin_planner_enter();
    PG_TRY();
    {
        MemoryContextSwitchTo(own);
        run(context);
    }
    PG_FINALLY();
    {
        MemoryContextSwitchTo(before);
        twin_planner_leave();
        running_depth--;
    }
    PG_END_TRY();
    MemoryContextDelete(own);
}

void
twin_index_estimate(Relation table, Relation index, TwinIndexEstimate *ret_estimate)
{
    IndexEstimation estimation = {.table = table, .index = index, .estimate = {.pages = 1, .height = -1}};
    twin_estimate_run(index_measure, &estimation);
    *ret_estimate = estimation.estimate;
    ret_estimate->pages = Min(Max(ceil(ret_estimate->pages), 1), (double)MaxBlockNumber - 1);
}

void
twin_index_estimate_by_id(Oid index_id, TwinIndexEstimate *ret_estimate)
{
    Relation index, table;
    if (get_rel_relkind(index_id) != RELKIND_INDEX)
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("relation with OID %u is not an index", index_id)));
    table = table_open(IndexGetRelation(index_id, false), AccessShareLock);
    index = index_open(index_id, AccessShareLock);
    twin_index_estimate_remember(table, index, ret_estimate);
    index_close(index, AccessShareLock);
    table_close(table, AccessShareLock);
}

TWIN_SQL_FUNCTION(fettle_twin_index_estimate);
Datum
fettle_twin_index_estimate(PG_FUNCTION_ARGS)
{
    TwinIndexEstimate estimate;
    TupleDesc result;
    Datum values[3];
    bool nulls[3] = {false, false, false};
    if (get_call_result_type(fcinfo, NULL, &result) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "index_estimate must be called for a row");
    twin_index_estimate_by_id(PG_GETARG_OID(0), &estimate);
    values[0] = Int64GetDatum((int64)estimate.pages);
    values[1] = Float8GetDatum(estimate.tuples);
    values[2] = Int32GetDatum(estimate.height);
    nulls[2] = estimate.height < 0;
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(result), values, nulls)));
}
