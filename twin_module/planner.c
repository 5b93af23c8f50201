// SPDX-License-Identifier: PostgreSQL
/*
 * The two planner hooks: one that knows that the planner plans, one that gives it indexes of the target's
 * size.
 *
 * A table's size needs no hook (table_am.c). An index's pages are asked of its file, which no access method
 * can alter, so the hook writes pages, tuples and tree height into what the planner has just read, by the
 * server's own formulas: the pages and height that pg_class carries for indexes of the target, an estimate
 * for an index that was only made here ("what if").
 *
 * GIN and BRIN also ask their metapage. GIN's is written to suit (a what-if GIN index has no other reader);
 * BRIN's map pages are added to the cost by wrapping its cost function.
 */
#include "twin_module.h"

#include "access/table.h"
#include <math.h>

#include "access/brin.h"
#include "access/brin_page.h"
#include "access/gin.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "optimizer/optimizer.h"
#include "optimizer/plancat.h"
#include "utils/index_selfuncs.h"
#include "utils/spccache.h"

static planner_hook_type previous_planner;
static get_relation_info_hook_type previous_relation_info;
static int planner_depth;

bool
twin_planner_is_active(void)
{
    return planner_depth > 0;
}

bool
twin_planner_is_outermost(void)
{
    return planner_depth == 1;
}

void
twin_planner_enter(void)
{
    planner_depth++;
}

void
twin_planner_leave(void)
{
    Assert(planner_depth > 0);
    planner_depth--;
}

static PlannedStmt *
query_plan(Query *query, const char *text, int options, ParamListInfo parameters)
{
    /* A scrolling cursor's plan is looked at by its index's catalog row. */
    if (twin_hypothetical_any())
        options &= ~CURSOR_OPT_SCROLL;
    return previous_planner != NULL ? previous_planner(query, text, options, parameters)
                                    : standard_planner(query, text, options, parameters);
}

static PlannedStmt *
twin_planner(Query *query, const char *text, int options, ParamListInfo parameters)
{
    PlannedStmt *volatile plan = NULL;
    bool is_outermost = planner_depth == 0; /* a function that planning runs may plan queries of its own */
    Query *copy = is_outermost ? twin_least_cost_prepare(query) : NULL;
    bool was_seen = twin_hypothetical_show(text);
    if (is_outermost)
        twin_outdone_begin();
    twin_planner_enter();
    PG_TRY();
    {
        plan = query_plan(query, text, options, parameters);
        if (is_outermost)
            twin_least_cost_take(copy, text, options, parameters, plan->planTree->total_cost);
    }
    PG_FINALLY();
    {
        twin_planner_leave();
        twin_hypothetical_show_again(was_seen);
    }
    PG_END_TRY();
    return plan;
}

/* Rows of a partial index by its density, as estimate_rel_size() does: the metapage does not count. */
static double
partial_index_tuples(Relation index, BlockNumber blocks)
{
    double known_pages = (double)(BlockNumber)index->rd_rel->relpages;
    double known_tuples = index->rd_rel->reltuples;
    double density;
    if (blocks == 0)
        return 0;
    if (known_pages > 0) {
        known_pages--;
        blocks--;
    }
    if (known_tuples >= 0 && known_pages > 0) {
        density = known_tuples / known_pages;
    } else {
        int32 width = get_rel_data_width(index, NULL);
        width += MAXALIGN(SizeofHeapTupleHeader) + sizeof(ItemIdData);
        density = (double)((BLCKSZ - SizeOfPageHeaderData) / width); /* integer division, as the server's */
    }
    return rint(density * blocks);
}

static void
index_info_from_size(Relation table, Relation index, RelOptInfo *rel, IndexOptInfo *info)
{
    BlockNumber blocks = twin_size_blocks(index);
    info->pages = blocks;
    info->tuples = rel->tuples;
    if (info->indpred != NIL)
        info->tuples = Min(partial_index_tuples(index, blocks), rel->tuples);
    if (info->relam != BTREE_AM_OID)
        return;
    if (index->rd_rel->relallvisible > 0) {
        info->tree_height = index->rd_rel->relallvisible - 1;
    } else {
        TwinIndexEstimate estimate;
        twin_index_estimate_remember(table, index, &estimate);
        info->tree_height = estimate.height;
    }
}

/* The GIN cost function believes a metapage that covers a quarter of the index; else it assumes 90 % entry
 * pages. */
static void
gin_metapage_set(Relation index, const TwinIndexEstimate *estimate)
{
    GinStatsData statistics;
    ginGetStats(index, &statistics);
    if (statistics.nTotalPages == (BlockNumber)estimate->pages || XactReadOnly)
        return;
    statistics.nTotalPages = (BlockNumber)estimate->pages;
    statistics.nEntryPages = (BlockNumber)estimate->gin_entry_pages;
    statistics.nDataPages = (BlockNumber)estimate->gin_data_pages;
    statistics.nEntries = (int64)estimate->gin_entries;
    ginUpdateStats(index, &statistics, true);
}

static void
index_info_from_estimate(Relation table, Relation index, IndexOptInfo *info)
{
    TwinIndexEstimate estimate;
    twin_index_estimate_remember(table, index, &estimate);
    info->pages = (BlockNumber)estimate.pages;
    info->tuples = estimate.tuples;
    if (info->relam == BTREE_AM_OID)
        info->tree_height = estimate.height;
    if (info->relam == GIN_AM_OID)
        gin_metapage_set(index, &estimate);
}

/*
 * BRIN reads its map from start to end, and the twin's has one page. The cost function takes the map's length
 * from the metapage, so what the further pages of the target's would add is added here: they are read in
 * sequence, not at random.
 */
static void
twin_brin_cost(PlannerInfo *root, IndexPath *path, double loops, Cost *ret_startup, Cost *ret_total,
               Selectivity *ret_selectivity, double *ret_correlation, double *ret_pages)
{
    IndexOptInfo *info = path->indexinfo;
    Relation index = index_open(info->indexoid, NoLock);
    double ranges = ceil((double)info->rel->pages / Max(BrinGetPagesPerRange(index), 1));
    /* Metapage, first map page and one of summaries are in any; a map grows only where ranges were
     * summarized. */
    double further = Min(Max(ceil(ranges / REVMAP_PAGE_MAXITEMS), 1) - 1, Max((double)info->pages - 3, 0));
    double random_cost, sequential_cost;
    index_close(index, NoLock);
    brincostestimate(root, path, loops, ret_startup, ret_total, ret_selectivity, ret_correlation, ret_pages);
    get_tablespace_page_costs(info->reltablespace, &random_cost, &sequential_cost);
    *ret_startup += sequential_cost * further * loops;
    *ret_total += (sequential_cost - random_cost) * further * loops;
}

typedef struct NamedIndex {
    IndexOptInfo *info;
    const char *name;
} NamedIndex;

static int
name_compare(const ListCell *left, const ListCell *right)
{
    const NamedIndex *a = lfirst(left), *b = lfirst(right);
    return strcmp(b->name, a->name);
}

/* Between paths of the same cost the order of the list decides. The server lists the youngest index first; of
 * supposed ones the age is an accident: they come by name, before the others as they would. */
static List *
supposed_prepend(List *supposed, List *others)
{
    List *all = NIL;
    ListCell *cell;
    list_sort(supposed, name_compare);
    foreach (cell, supposed)
        all = lappend(all, ((NamedIndex *)lfirst(cell))->info);
    return list_concat(all, others);
}

static List *
supposed_append(List *supposed, IndexOptInfo *info, Relation index)
{
    NamedIndex *named = palloc(sizeof(*named));
    *named = (NamedIndex){info, pstrdup(RelationGetRelationName(index))};
    return lappend(supposed, named);
}

/* What the planner has read of the catalog's indexes becomes the target's; true: it is a supposed one. */
static bool
index_info_mend(Relation table, RelOptInfo *rel, IndexOptInfo *info, List **supposed)
{
    Relation index = index_open(info->indexoid, NoLock);
    bool is_supposed = twin_index_is_supposed_here(index);
    /* The planner asks a column's first B-tree for its ends, but no hypothetical one: so none that is empty.
     * Where it has expressions, their statistics are sought in the catalog. */
    info->hypothetical = info->relam == BTREE_AM_OID && info->indexprs == NIL && info->pages <= 1;
    if (twin_size_is_known(index))
        index_info_from_size(table, index, rel, info);
    else
        index_info_from_estimate(table, index, info);
    if (info->relam == BRIN_AM_OID)
        info->amcostestimate = twin_brin_cost;
    if (is_supposed)
        *supposed = supposed_append(*supposed, info, index);
    index_close(index, NoLock);
    return is_supposed;
}

/* Those that no catalog knows. */
static List *
hypothetical_append(List *supposed, Relation table, RelOptInfo *rel)
{
    ListCell *cell;
    foreach (cell, twin_hypothetical_of(table)) {
        Relation index = lfirst(cell);
        IndexOptInfo *info;
        if (twin_index_name_is_hidden(RelationGetRelationName(index)))
            continue;
        info = twin_hypothetical_info(rel, table, index);
        index_info_from_estimate(table, index, info);
        supposed = supposed_append(supposed, info, index);
    }
    return supposed;
}

static void
indexes_mend(PlannerInfo *root, Relation table, RelOptInfo *rel)
{
    List *supposed = NIL;
    ListCell *cell;
    foreach (cell, rel->indexlist) {
        IndexOptInfo *info = lfirst_node(IndexOptInfo, cell);
        /* another module's invention: it has no catalog row, and knows its size */
        if (!info->hypothetical &&
            (twin_index_is_hidden(info->indexoid) || index_info_mend(table, rel, info, &supposed)))
            rel->indexlist = foreach_delete_current(rel->indexlist, cell);
    }
    if (twin_hypothetical_any())
        supposed = hypothetical_append(supposed, table, rel);
    if (supposed != NIL)
        rel->indexlist = supposed_prepend(supposed, rel->indexlist);
    twin_outdone_leave_out(root, rel);
}

static void
twin_relation_info(PlannerInfo *root, Oid relation_id, bool is_parent, RelOptInfo *rel)
{
    Relation table;
    if (previous_relation_info != NULL)
        previous_relation_info(root, relation_id, is_parent, rel);
    if ((rel->indexlist == NIL && !twin_hypothetical_any()) || is_parent || !twin_planner_is_active() ||
        twin_estimate_is_running())
        return;
    table = table_open(relation_id, NoLock); /* the planner holds a lock already; so for the indexes */
    if (twin_relation_is_twin(table))
        indexes_mend(root, table, rel);
    table_close(table, NoLock);
}

void
twin_planner_install(void)
{
    previous_planner = planner_hook;
    planner_hook = twin_planner;
    previous_relation_info = get_relation_info_hook;
    get_relation_info_hook = twin_relation_info;
}
