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
 * lie evenly in the rows as the column orders them. Where it cannot be computed, it has at most as many
 * values as its columns have together, which counts where these are fewer than the planner's 200.
 *
 * Left to the planner: indexes of the target, whose statistics are known or were not gathered there either,
 * partial indexes, whose statistics it does not use, and expressions that a statistics object knows.
 */
#include "estimate.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_statistic.h"
#include "common/hashfn.h"
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
#define REMEMBERED_MOST 4096

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
    int i;
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
    results->items[i].share += share;
    results->items[i].seen += origin == TWIN_OF_HISTOGRAM;
    results->items[i].is_common |= origin != TWIN_OF_HISTOGRAM;
    results->bounds += origin == TWIN_OF_HISTOGRAM;
}

static int
outcome_compare(const void *left, const void *right)
{
    const Outcome *a = left, *b = right;
    if (a->is_common != b->is_common)
        return a->is_common ? -1 : 1;
    return a->share > b->share ? -1 : a->share < b->share;
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
    qsort(results->items, (size_t)results->count, sizeof(Outcome), outcome_compare);
}

/* Fills the first slot with the common values. */
static void
common_put(const Outcomes *results, const TwinColumn *column, Datum *values, bool *nulls)
{
    TypeCacheEntry *type = lookup_type_cache(column->type, TYPECACHE_EQ_OPR);
    Datum common[COMMON_MOST], numbers[COMMON_MOST];
    int count = 0;
    while (count < Min(results->count, COMMON_MOST) && results->items[count].is_common) {
        common[count] = results->items[count].value;
        numbers[count] = Float4GetDatum((float4)Min(results->items[count].share, 1));
        count++;
    }
    if (count == 0 || !OidIsValid(type->eq_opr))
        return;
    values[Anum_pg_statistic_stakind1 - 1] = Int16GetDatum(STATISTIC_KIND_MCV);
    values[Anum_pg_statistic_staop1 - 1] = ObjectIdGetDatum(type->eq_opr);
    values[Anum_pg_statistic_stacoll1 - 1] = ObjectIdGetDatum(exprCollation(column->expression));
    values[Anum_pg_statistic_stanumbers1 - 1] =
        PointerGetDatum(construct_array(numbers, count, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
    values[Anum_pg_statistic_stavalues1 - 1] = PointerGetDatum(construct_array(
        common, count, column->type, results->length, results->is_by_value, results->alignment));
    nulls[Anum_pg_statistic_stanumbers1 - 1] = nulls[Anum_pg_statistic_stavalues1 - 1] = false;
}

static HeapTuple
tuple_form(Oid index_id, AttrNumber number, const TwinColumn *column, double distinct, double rows,
           Outcomes *results)
{
    Datum values[Natts_pg_statistic] = {0};
    bool nulls[Natts_pg_statistic] = {false};
    Relation catalog;
    HeapTuple tuple;
    double of_rows = rows > 0 ? distinct / rows : 0;
    int i;
    for (i = 0; i < STATISTIC_NUM_SLOTS; i++) {
        values[Anum_pg_statistic_stakind1 - 1 + i] = Int16GetDatum(0);
        nulls[Anum_pg_statistic_stanumbers1 - 1 + i] = nulls[Anum_pg_statistic_stavalues1 - 1 + i] = true;
    }
    values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(index_id);
    values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(number);
    values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
    values[Anum_pg_statistic_stanullfrac - 1] = Float4GetDatum((float4)Min(results->null_share, 1));
    values[Anum_pg_statistic_stawidth - 1] =
        Int32GetDatum((int32)Max(results->seen > 0 ? results->width / results->seen : column->width_mean, 1));
    values[Anum_pg_statistic_stadistinct - 1] =
        Float4GetDatum((float4)(of_rows > DISTINCT_GROWS ? -Min(of_rows, 1) : Max(distinct, 1)));
    common_find(results, distinct);
    common_put(results, column, values, nulls);
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

static void
statistics_gather(void *context)
{
    Gathering *gathering = context;
    TwinIndexShape *shape = palloc(sizeof(*shape));
    Outcomes *results = palloc0(sizeof(*results));
    TwinColumn column = {.expression = gathering->expression, .distinct = DISTINCT_DEFAULT};
    Var *variable = twin_expression_variable(column.expression);
    bool is_computed;
    double distinct;
    HeapTuple tuple;
    twin_shape_begin(shape, gathering->table, gathering->index);
    column.type = exprType(column.expression);
    get_typlenbyvalalign(column.type, &results->length, &results->is_by_value, &results->alignment);
    column.length = results->length;
    is_computed = variable != NULL &&
                  twin_expression_results(shape, column.expression, variable, result_add, results) &&
                  results->seen >= 2;
    distinct = twin_expression_distinct(shape, &column);
    if (!is_computed) {
        memset(results->items, 0, sizeof(results->items));
        results->count = results->seen = 0;
        results->null_share = 0;
        if (distinct >= DISTINCT_DEFAULT)
            return;
        column.width_mean = twin_expression_width(shape, &column);
    }
    tuple = tuple_form(gathering->index_id, gathering->number, &column, Max(distinct, results->count),
                       shape->rel->tuples, results);
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
    if (remembered_context != NULL)
        MemoryContextDelete(remembered_context);
    remembered = NULL;
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
        hash_get_num_entries(remembered) > REMEMBERED_MOST)
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
