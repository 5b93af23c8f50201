// SPDX-License-Identifier: PostgreSQL
/*
 * Statistics of the expressions of an index that exists only here, as ANALYZE would gather them once it is
 * built.
 *
 * Without any the planner takes an equality of an expression for 0.5 % of the rows, whatever it is: an index
 * on lower(status) with three values looks as good as one on lower(email). The real planner knows better as
 * soon as the index is there and ANALYZE ran, and leaves it unused. So the expression is computed for what
 * the statistics of its only column show (estimate_evaluate.c): its common values are those of the column's,
 * put together where they give the same, and what comes at least three times of the histogram's bounds, which
 * lie evenly in the rows as the column orders them. The others, in the order of their own type, are its
 * histogram; and where the results of the column's histogram are in order too, the rows lie in the
 * expression's order as they do in the column's.
 *
 * All or nothing: a row of statistics that lacks its histogram makes the planner take each bound of a range
 * for half of the rows and two of them for one row, which is worse than what it assumes without statistics.
 * So there is none for what cannot be computed, or has no order.
 *
 * Left to the planner: indexes of the target, whose statistics are known or were not gathered there either,
 * partial indexes, whose statistics it does not use, and expressions that a statistics object knows. One that
 * an index of the target has the statistics of has these.
 */
#include "estimate.h"
#include "untrusted.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_statistic.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define COMMON_MOST 100
#define SEEN_LEAST 3
#define COMMON_TIMES 1.25 /* as much as a mean value, at least */
#define DISTINCT_DEFAULT 200
/* More values than this share of the rows grow with them: as ANALYZE has it. */
#define DISTINCT_GROWS 0.1
#define BOUNDS_MOST 101
/* So many results in order are in order by more than chance. */
#define ORDERED_LEAST 10
/* Share of the rows that may have none of the values that were seen, where all of these are common. */
#define UNSEEN_MOST 0.01
#define REMEMBERED_MOST 4096
#define REMEMBERED_BYTES_MOST (16 * 1024 * 1024)

typedef struct Outcome {
    Datum value;
    uint32 hash;
    double share; /* of the rows */
    int seen;     /* bounds of the histogram that give it */
    bool is_common;
} Outcome;

typedef struct Outcomes {
    int16 length;
    bool is_by_value;
    char alignment;
    double null_share;
    double width; /* summed over all that were seen */
    int seen;
    int bounds; /* of the histogram, of those */
    int count;
    int common_count; /* the first items */
    int sequence_count;
    int16 sequence[TWIN_EVALUATED_MOST]; /* items of the column's histogram, as the column orders them */
    Outcome items[TWIN_EVALUATED_MOST];
} Outcomes;

/* The value whole and in one form, so that equal ones have equal bytes. */
static Datum
outcome_value(const Outcomes *results, const Const *result, uint32 *ret_hash, double *ret_width)
{
    Datum value = result->constvalue;
    Size size;
    if (results->is_by_value) {
        *ret_hash = DatumGetUInt32(hash_any((const unsigned char *)&value, sizeof(value)));
        *ret_width = results->length;
        return value;
    }
    if (results->length == -1)
        value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
    else
        value = datumCopy(value, false, results->length);
    size = datumGetSize(value, false, results->length);
    *ret_hash = DatumGetUInt32(hash_any((const unsigned char *)DatumGetPointer(value), (int)size));
    *ret_width = (double)size;
    return value;
}

static void
result_add(const Const *result, double share, TwinResultOrigin origin, void *context)
{
    Outcomes *results = context;
    Datum value;
    uint32 hash;
    double width;
    bool is_bound;
    int i;
    if (origin == TWIN_OF_NEXT)
        return;
    if (result->constisnull) {
        results->null_share += share;
        return;
    }
    value = outcome_value(results, result, &hash, &width);
    results->width += width;
    results->seen++;
    for (i = 0; i < results->count; i++) {
        const Outcome *known = &results->items[i];
        if (known->hash == hash && datumIsEqual(known->value, value, results->is_by_value, results->length))
            break;
    }
    if (i == results->count)
        results->items[results->count++] = (Outcome){.value = value, .hash = hash};
    is_bound = origin == TWIN_OF_HISTOGRAM || origin == TWIN_OF_OTHERS;
    results->items[i].share += share;
    results->items[i].seen += is_bound;
    results->items[i].is_common |= !is_bound;
    results->bounds += is_bound;
    if (origin == TWIN_OF_HISTOGRAM)
        results->sequence[results->sequence_count++] = (int16)i;
}

static int
outcome_compare(const void *left, const void *right)
{
    const Outcome *a = left, *b = right;
    if (a->is_common != b->is_common)
        return a->is_common ? -1 : 1;
    return a->share > b->share ? -1 : a->share < b->share;
}

/* Where there seem to be no others, all values are common, as ANALYZE has it: then it is known too how few
 * rows have any other value. Those that do not stand out have the same share, for a sample tells no more; and
 * what so few bounds do not show may be there. */
static void
all_common_find(Outcomes *results, double distinct)
{
    double rest = 0, shown = results->bounds > 0 ? 1 - 0.5 / results->bounds : 1;
    int others = 0, i;
    if (distinct > results->count + 0.5 || results->count > COMMON_MOST)
        return;
    for (i = 0; i < results->count; i++) {
        const Outcome *item = &results->items[i];
        if (item->is_common || item->seen == 0)
            continue;
        if (item->seen < SEEN_LEAST)
            return;
        rest += item->share;
        others++;
    }
    for (i = 0; i < results->count; i++) {
        Outcome *item = &results->items[i];
        if (!item->is_common && item->seen > 0)
            item->share = rest / others * shown;
        item->is_common = true;
    }
}

/* What the column's common values give is common, as far as it is more than a mean value where there are
 * others; of a sample as small as the histogram's bounds only what stands out by two deviations is. The
 * planner takes the least common value for the most that any other can have. */
static void
common_find(Outcomes *results, double distinct)
{
    double mean = results->bounds / distinct;
    int i;
    for (i = 0; i < results->count; i++) {
        Outcome *item = &results->items[i];
        bool stands_out = item->seen >= SEEN_LEAST && item->seen > mean + 2 * sqrt(mean);
        item->is_common = stands_out || (item->is_common &&
                                         (results->bounds == 0 || item->share * distinct > COMMON_TIMES));
    }
    all_common_find(results, distinct);
    qsort(results->items, (size_t)results->count, sizeof(Outcome), outcome_compare);
    while (results->common_count < Min(results->count, COMMON_MOST) &&
           results->items[results->common_count].is_common)
        results->common_count++;
}

/* An expression's type as statistics need it. */
typedef struct Order {
    TypeCacheEntry *type;
    Oid collation;
} Order;

static int
values_compare(const void *left, const void *right, void *context)
{
    const Order *order = context;
    return DatumGetInt32(FunctionCall2Coll(&order->type->cmp_proc_finfo, order->collation,
                                           ((const Outcome *)left)->value, ((const Outcome *)right)->value));
}

/* 1 or -1: the results come in order, or in the opposite one, where the column's histogram does. 0: neither,
 * or too few to tell. Before the items change their places. */
static int
results_direction(const Outcomes *results, Order *order)
{
    int ups = 0, downs = 0, i;
    for (i = 1; i < results->sequence_count && (ups == 0 || downs == 0); i++) {
        int way = values_compare(&results->items[results->sequence[i - 1]],
                                 &results->items[results->sequence[i]], order);
        ups += way < 0;
        downs += way > 0;
    }
    if (results->sequence_count < ORDERED_LEAST || (ups == 0) == (downs == 0))
        return 0;
    return ups > 0 ? 1 : -1;
}

/* The next free slot, filled. */
static void
slot_put(Datum *values, bool *nulls, int kind, const Order *order, Datum numbers, Datum array)
{
    int i = 0;
    while (DatumGetInt16(values[Anum_pg_statistic_stakind1 - 1 + i]) != 0)
        i++;
    Assert(i < STATISTIC_NUM_SLOTS);
    values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(kind);
    values[Anum_pg_statistic_staop1 - 1 + i] =
        ObjectIdGetDatum(kind == STATISTIC_KIND_MCV ? order->type->eq_opr : order->type->lt_opr);
    values[Anum_pg_statistic_stacoll1 - 1 + i] = ObjectIdGetDatum(order->collation);
    values[Anum_pg_statistic_stanumbers1 - 1 + i] = numbers;
    values[Anum_pg_statistic_stavalues1 - 1 + i] = array;
    nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = numbers == (Datum)0;
    nulls[Anum_pg_statistic_stavalues1 - 1 + i] = array == (Datum)0;
}

static Datum
numbers_form(Datum *numbers, int count)
{
    return PointerGetDatum(construct_array(numbers, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

static Datum
values_form(const Outcomes *results, const TwinColumn *column, Datum *values, int count)
{
    return PointerGetDatum(construct_array(values, count, column->type, results->length, results->is_by_value,
                                           results->alignment));
}

static void
common_put(const Outcomes *results, const TwinColumn *column, const Order *order, Datum *values, bool *nulls)
{
    Datum common[COMMON_MOST], numbers[COMMON_MOST];
    int i;
    for (i = 0; i < results->common_count; i++) {
        common[i] = results->items[i].value;
        numbers[i] = Float4GetDatum((float4)Min(results->items[i].share, 1));
    }
    if (i > 0)
        slot_put(values, nulls, STATISTIC_KIND_MCV, order, numbers_form(numbers, i),
                 values_form(results, column, common, i));
}

/* Sum of the squared shares: the correlation that ANALYZE finds of values that lie by chance. */
static double
common_order(const Outcomes *results)
{
    double sum = 0, rows = Max(1 - results->null_share, 1e-6);
    int i;
    for (i = 0; i < results->common_count; i++)
        sum += pow(results->items[i].share / rows, 2);
    return Min(sum, 1);
}

/* Bounds between which equal shares of the rows lie that have no common value. False: all that were seen are
 * common, and there are others. */
static bool
histogram_put(Outcomes *results, const TwinColumn *column, Order *order, Datum *values, bool *nulls)
{
    Outcome *others = &results->items[results->common_count];
    int count = results->count - results->common_count, bounds = Max(Min(count, BOUNDS_MOST), 2), i, at = 0;
    Datum bound[BOUNDS_MOST];
    double rest = 0, below, unseen = 1 - results->null_share;
    for (i = 0; i < results->common_count; i++)
        unseen -= results->items[i].share;
    if (count == 0)
        return unseen <= UNSEEN_MOST;
    qsort_arg(others, (size_t)count, sizeof(Outcome), values_compare, order);
    for (i = 0; i < count; i++)
        rest += others[i].share;
    below = others[0].share;
    for (i = 0; i < bounds; i++) {
        while (at < count - 1 && below <= rest * i / (bounds - 1))
            below += others[++at].share;
        bound[i] = others[i == bounds - 1 ? count - 1 : at].value;
    }
    bound[0] = others[0].value;
    slot_put(values, nulls, STATISTIC_KIND_HISTOGRAM, order, (Datum)0,
             values_form(results, column, bound, bounds));
    return true;
}

/* Of the column's values with the places of their rows; 0: unknown. */
static double
column_correlation(const TwinIndexShape *shape, Var *variable)
{
    double correlation = 0;
    VariableStatData data;
    AttStatsSlot slot;
    examine_variable(shape->root, (Node *)variable, 0, &data);
    if (HeapTupleIsValid(data.statsTuple) &&
        get_attstatsslot(&slot, data.statsTuple, STATISTIC_KIND_CORRELATION, InvalidOid,
                         ATTSTATSSLOT_NUMBERS)) {
        if (slot.nnumbers == 1)
            correlation = slot.numbers[0];
        free_attstatsslot(&slot);
    }
    ReleaseVariableStats(data);
    return correlation;
}

/* What an expression's results give together, and of the column. */
typedef struct Summary {
    double distinct;
    double rows;
    double correlation;
} Summary;

/* NULL: a part is missing. */
static HeapTuple
tuple_form(Oid index_id, AttrNumber number, const TwinColumn *column, const Summary *summary,
           Outcomes *results)
{
    Order order = {.type = lookup_type_cache(column->type,
                                             TYPECACHE_EQ_OPR | TYPECACHE_LT_OPR | TYPECACHE_CMP_PROC_FINFO),
                   .collation = exprCollation(column->expression)};
    Datum values[Natts_pg_statistic] = {0};
    bool nulls[Natts_pg_statistic] = {false};
    Relation catalog;
    HeapTuple tuple;
    double of_rows = summary->rows > 0 ? summary->distinct / summary->rows : 0, order_share;
    int i, direction;
    if (!OidIsValid(order.type->eq_opr) || !OidIsValid(order.type->lt_opr) ||
        !OidIsValid(order.type->cmp_proc_finfo.fn_oid) ||
        order.type->cmp_proc_finfo.fn_oid >= FirstNormalObjectId)
        return NULL;
    for (i = 0; i < STATISTIC_NUM_SLOTS; i++) {
        values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(0);
        nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
    }
    values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(index_id);
    values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(number);
    values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
    values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum((float4)Min(results->null_share, 1));
    values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum((int32)Max(results->width / results->seen, 1));
    values[Anum_pg_statistic_stadistinct - 1] =
        Float4GetDatum((float4)(of_rows > DISTINCT_GROWS ? -Min(of_rows, 1) : Max(summary->distinct, 1)));
    direction = results_direction(results, &order);
    common_find(results, summary->distinct);
    common_put(results, column, &order, values, nulls);
    if (!histogram_put(results, column, &order, values, nulls))
        return NULL;
    /* Equal values are in the rows' order, so that a few values without any order of their own correlate. */
    order_share = direction != 0 ? direction * summary->correlation : common_order(results);
    if (order_share != 0) {
        Datum correlation = Float4GetDatum((float4)order_share);
        slot_put(values, nulls, STATISTIC_KIND_CORRELATION, &order, numbers_form(&correlation, 1), (Datum)0);
    }
    catalog = table_open(StatisticRelationId, AccessShareLock);
    tuple = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
    table_close(catalog, AccessShareLock);
    return tuple;
}

typedef struct Gathering {
    Oid index_id;
    AttrNumber number;
    Node *expression;
    Relation table;
    Relation index;
    MemoryContext owner; /* of the tuple */
    HeapTuple tuple;     /* NULL: no more is known than the planner assumes */
} Gathering;

/* The type's comparison may fail, as any function on a foreign value. */
static HeapTuple
tuple_try(const Gathering *gathering, const TwinColumn *column, const Summary *summary, Outcomes *results)
{
    HeapTuple volatile tuple = NULL;
    TwinUntrusted run;
    twin_untrusted_begin(&run, GetUserId());
    PG_TRY();
    {
        tuple = tuple_form(gathering->index_id, gathering->number, column, summary, results);
        twin_untrusted_end(&run);
    }
    PG_CATCH();
    {
        tuple = NULL;
        twin_untrusted_fail(&run, "an expression's statistics");
    }
    PG_END_TRY();
    return tuple;
}

static void
statistics_gather(void *context)
{
    Gathering *gathering = context;
    TwinIndexShape *shape = palloc(sizeof(*shape));
    Outcomes *results = palloc0(sizeof(*results));
    TwinColumn column = {.expression = gathering->expression, .distinct = DISTINCT_DEFAULT};
    Var *variable = twin_expression_variable(column.expression);
    Summary summary;
    HeapTuple tuple;
    twin_shape_begin(shape, gathering->table, gathering->index);
    column.type = exprType(column.expression);
    get_typlenbyvalalign(column.type, &results->length, &results->is_by_value, &results->alignment);
    column.length = results->length;
    if (variable == NULL ||
        !twin_expression_results(shape, column.expression, variable, result_add, results) ||
        results->seen < 1)
        return;
    summary = (Summary){.distinct = Max(twin_expression_distinct(shape, &column), results->count),
                        .rows = shape->rel->tuples,
                        .correlation = column_correlation(shape, variable)};
    tuple = tuple_try(gathering, &column, &summary, results);
    if (tuple == NULL)
        return;
    MemoryContextSwitchTo(gathering->owner);
    gathering->tuple = heap_copytuple(tuple);
}

typedef struct RememberedKey {
    Oid index_id;
    int number;
} RememberedKey;

typedef struct Remembered {
    RememberedKey key;
    HeapTuple tuple; /* NULL: none */
} Remembered;

static MemoryContext remembered_context;
static HTAB *remembered;
static uint64 remembered_generation;
static get_index_stats_hook_type previous_index_statistics;

static void
remembered_clear(void)
{
    HASHCTL control = {.keysize = sizeof(RememberedKey), .entrysize = sizeof(Remembered)};
    MemoryContext old = remembered_context;
    remembered_context = NULL;
    remembered = NULL;
    if (old != NULL)
        MemoryContextDelete(old);
    remembered_context =
        AllocSetContextCreate(TopMemoryContext, "fettle twin expressions", ALLOCSET_DEFAULT_SIZES);
    control.hcxt = remembered_context;
    remembered = hash_create("fettle twin expressions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
    remembered_generation = twin_catalog_generation();
}

/* The tuple belongs to whoever asks; NULL: none. */
static HeapTuple
statistics_remember(Relation table, Relation index, AttrNumber number, Node *expression)
{
    RememberedKey key = {.index_id = RelationGetRelid(index), .number = number};
    Gathering gathering = {.index_id = key.index_id,
                           .number = number,
                           .expression = expression,
                           .table = table,
                           .index = index,
                           .owner = CurrentMemoryContext};
    Remembered *known;
    if (remembered == NULL || remembered_generation != twin_catalog_generation() ||
        hash_get_num_entries(remembered) > REMEMBERED_MOST ||
        MemoryContextMemAllocated(remembered_context, true) > REMEMBERED_BYTES_MOST)
        remembered_clear();
    known = hash_search(remembered, &key, HASH_FIND, NULL);
    if (known != NULL)
        return known->tuple == NULL ? NULL : heap_copytuple(known->tuple);
    twin_estimate_run(statistics_gather, &gathering);
    if (remembered_generation == twin_catalog_generation()) {
        MemoryContext before = MemoryContextSwitchTo(remembered_context);
        HeapTuple kept = gathering.tuple == NULL ? NULL : heap_copytuple(gathering.tuple);
        MemoryContextSwitchTo(before);
        known = hash_search(remembered, &key, HASH_ENTER, NULL);
        known->tuple = kept;
    }
    return gathering.tuple;
}

/* The index as the planner has it, and its table. */
static IndexOptInfo *
index_info_find(PlannerInfo *root, Oid index_id)
{
    ListCell *cell;
    int i;
    for (i = 1; i < root->simple_rel_array_size; i++) {
        RelOptInfo *rel = root->simple_rel_array[i];
        if (rel == NULL || rel->rtekind != RTE_RELATION)
            continue;
        foreach (cell, rel->indexlist) {
            if (lfirst_node(IndexOptInfo, cell)->indexoid == index_id)
                return lfirst_node(IndexOptInfo, cell);
        }
    }
    return NULL;
}

/* At which place of the index's expressions its column stands; -1: it is a plain column. */
static int
expression_place(const IndexOptInfo *info, AttrNumber number)
{
    int place = 0, i;
    if (number < 1 || number > info->ncolumns || info->indexkeys[number - 1] != 0)
        return -1;
    for (i = 0; i < number - 1; i++)
        place += info->indexkeys[i] == 0;
    return place < list_length(info->indexprs) ? place : -1;
}

static bool
object_knows(const RelOptInfo *rel, Node *expression)
{
    ListCell *cell;
    foreach (cell, rel->statlist) {
        if (list_member(twin_statistics_expressions((StatisticExtInfo *)lfirst(cell)), expression))
            return true;
    }
    return false;
}

static bool
statistics_find(Oid index_id, AttrNumber number, VariableStatData *data)
{
    HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(index_id), Int16GetDatum(number),
                                      BoolGetDatum(false));
    if (!HeapTupleIsValid(tuple))
        return false;
    data->statsTuple = tuple;
    data->freefunc = ReleaseSysCache;
    data->acl_ok = true; /* a twin has no rows to tell of */
    return true;
}

/* What the target knows of the same expression by another of its indexes, which the planner would come upon
 * only after this newer one. */
static bool
other_index_statistics(const IndexOptInfo *info, Node *expression, VariableStatData *data)
{
    ListCell *cell;
    int number;
    foreach (cell, info->rel->indexlist) {
        const IndexOptInfo *other = lfirst_node(IndexOptInfo, cell);
        if (other == info || other->hypothetical || other->indpred != NIL)
            continue;
        for (number = 1; number <= other->ncolumns; number++) {
            int place = expression_place(other, (AttrNumber)number);
            if (place >= 0 &&
                equal(twin_expression_bare(list_nth(other->indexprs, place)),
                      twin_expression_bare(expression)) &&
                statistics_find(other->indexoid, (AttrNumber)number, data))
                return true;
        }
    }
    return false;
}

static bool
twin_index_statistics(PlannerInfo *root, Oid index_id, AttrNumber number, VariableStatData *data)
{
    IndexOptInfo *info;
    Relation table, index;
    HeapTuple tuple = NULL;
    int place;
    if (previous_index_statistics != NULL && previous_index_statistics(root, index_id, number, data))
        return true;
    if (!twin_planner_is_active() || twin_estimate_is_running() || IsInParallelMode())
        return false;
    info = index_info_find(root, index_id);
    place = info == NULL ? -1 : expression_place(info, number);
    if (place < 0 || info->hypothetical || info->indpred != NIL ||
        object_knows(info->rel, list_nth(info->indexprs, place)) ||
        SearchSysCacheExists3(STATRELATTINH, ObjectIdGetDatum(index_id), Int16GetDatum(number),
                              BoolGetDatum(false)))
        return false;
    if (other_index_statistics(info, list_nth(info->indexprs, place), data))
        return true;
    index = index_open(index_id, NoLock); /* the planner holds a lock; so for the table */
    table = table_open(index->rd_index->indrelid, NoLock);
    if (twin_relation_is_twin(table) && !twin_size_is_known(index))
        tuple =
            statistics_remember(table, index, number, list_nth(RelationGetIndexExpressions(index), place));
    table_close(table, NoLock);
    index_close(index, NoLock);
    if (tuple == NULL)
        return false;
    data->statsTuple = tuple;
    data->freefunc = heap_freetuple;
    data->acl_ok = true; /* a twin has no rows to tell of */
    return true;
}

void
twin_expression_statistics_install(void)
{
    previous_index_statistics = get_index_stats_hook;
    get_index_stats_hook = twin_index_statistics;
}
