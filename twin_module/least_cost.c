// SPDX-License-Identifier: PostgreSQL
/*
 * What a query would cost had no index narrowed the planner's view.
 *
 * With more indexes to choose from the planner should do no worse, and a search for indexes lives on that:
 * what everything together cannot do, no part of it can. There is one systematic exception. Of the partial
 * paths of a table, which several workers share, the planner keeps the cheapest, whatever rows each worker
 * then has. A parallel scan by an index that is cheaper than the parallel scan of the table, but has fewer
 * workers since an index has fewer pages, takes its place, and all joins above bear more rows a worker: a
 * query of TPC-H was dearer by 31 % with the index than without.
 *
 * With fettle_twin.note_least_cost on, a query whose tables were narrowed so is planned once more, with a
 * scan of as many workers as the table's size allows beside the narrower ones. It has the cost of the
 * cheapest: which scan the narrower one outdid is not known any more, nor whether fewer indexes would do
 * without it on this table alone or on others too, but none of them was cheaper or had more workers.
 * The plan that is given stays the planner's; SHOW fettle_twin.least_cost tells its cost and the lesser of
 * the two, of the last query that was planned: a bound for what fewer indexes could do. Then it names the
 * indexes of all partial paths that are narrower than they could be: with these still there, fewer others
 * change nothing of what the joins are made of but for the worse, so that the cost itself is a bound.
 *
 * Both are as good as the planner is consistent above the tables. A join whose cheapest path has no workers
 * may keep no path that has, which a join above it then lacks; where that was so nobody is named.
 */
#include "twin_module.h"

#include "access/sysattr.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static set_rel_pathlist_hook_type previous_pathlist;
static create_upper_paths_hook_type previous_upper;
static bool note_least_cost;
static char *least_cost_text; /* never set: what it shows is the figure below */
static double cost_given;
static double least_cost;
static bool is_widening; /* the second time */
static bool was_narrowed;

#define NARROWING_MOST 64
static Oid narrowing[NARROWING_MOST];
static int narrowing_count; /* more than the most: nobody knows them all */

static void
narrowing_note(Oid index)
{
    int i;
    for (i = 0; i < Min(narrowing_count, NARROWING_MOST); i++)
        if (narrowing[i] == index)
            return;
    if (narrowing_count < NARROWING_MOST)
        narrowing[narrowing_count] = index;
    if (narrowing_count <= NARROWING_MOST)
        narrowing_count++;
}

static void
narrowing_note_path(const Path *path)
{
    const List *parts = NIL;
    ListCell *cell;
    if (IsA(path, IndexPath))
        narrowing_note(((const IndexPath *)path)->indexinfo->indexoid);
    else if (IsA(path, BitmapHeapPath))
        narrowing_note_path(((const BitmapHeapPath *)path)->bitmapqual);
    else if (IsA(path, BitmapAndPath))
        parts = ((const BitmapAndPath *)path)->bitmapquals;
    else if (IsA(path, BitmapOrPath))
        parts = ((const BitmapOrPath *)path)->bitmapquals;
    foreach (cell, parts)
        narrowing_note_path(lfirst(cell));
}

static void
narrowing_note_narrower(const RelOptInfo *rel, int workers)
{
    ListCell *cell;
    foreach (cell, rel->partial_pathlist) {
        const Path *path = lfirst(cell);
        if (path->parallel_workers < workers)
            narrowing_note_path(path);
    }
}

/* Columns that are read of the relation, as check_index_only() has it. */
static Bitmapset *
columns_read(const RelOptInfo *rel)
{
    Bitmapset *columns = NULL;
    ListCell *cell;
    pull_varattnos((Node *)rel->reltarget->exprs, rel->relid, &columns);
    foreach (cell, rel->baserestrictinfo)
        pull_varattnos((Node *)lfirst_node(RestrictInfo, cell)->clause, rel->relid, &columns);
    return columns;
}

static bool
may_answer_alone(const IndexOptInfo *info, const Bitmapset *columns)
{
    Bitmapset *returned = NULL;
    int i;
    for (i = 0; i < info->ncolumns; i++)
        if (info->indexkeys[i] != 0 && info->canreturn[i])
            returned = bms_add_member(returned, info->indexkeys[i] - FirstLowInvalidHeapAttributeNumber);
    return bms_is_subset(columns, returned);
}

/* The most that a partial path can have: by the table's pages, or by those of an index that answers alone. */
static int
workers_most(RelOptInfo *rel)
{
    int most = compute_parallel_worker(rel, rel->pages, -1, max_parallel_workers_per_gather);
    Bitmapset *columns = columns_read(rel);
    ListCell *cell;
    foreach (cell, rel->indexlist) {
        const IndexOptInfo *info = lfirst_node(IndexOptInfo, cell);
        int workers = compute_parallel_worker(rel, -1, info->pages, max_parallel_workers_per_gather);
        if (workers > most && may_answer_alone(info, columns))
            most = workers;
    }
    return most;
}

/* Parts of an inheritance tree come here one by one, and their parent has no scan of its own. */
static void
least_cost_pathlist(PlannerInfo *root, RelOptInfo *rel, Index number, RangeTblEntry *entry)
{
    Path *cheapest, *wider;
    int workers;
    if (previous_pathlist != NULL)
        previous_pathlist(root, rel, number, entry);
    if (!note_least_cost || rel->partial_pathlist == NIL || entry->rtekind != RTE_RELATION || entry->inh ||
        entry->relkind == RELKIND_FOREIGN_TABLE || !twin_planner_is_outermost())
        return;
    cheapest = linitial(rel->partial_pathlist);
    workers = workers_most(rel);
    if (!is_widening)
        narrowing_note_narrower(rel, workers);
    if (cheapest->parallel_workers >= workers)
        return;
    was_narrowed = true;
    if (!is_widening)
        return;
    wider = create_seqscan_path(root, rel, NULL, workers);
    wider->startup_cost = Min(wider->startup_cost, cheapest->startup_cost);
    wider->total_cost = Min(wider->total_cost, cheapest->total_cost);
    rel->partial_pathlist = lcons(wider, rel->partial_pathlist);
}

static bool
has_partial_path(const PlannerInfo *root, const Bitmapset *relids)
{
    int i = -1;
    while ((i = bms_next_member(relids, i)) >= 0)
        if (root->simple_rel_array[i] != NULL && root->simple_rel_array[i]->partial_pathlist != NIL)
            return true;
    return false;
}

/* The joins are made; one that lost its partial paths is nobody's by name. */
static void
least_cost_upper(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
                 void *extra)
{
    ListCell *cell;
    if (previous_upper != NULL)
        previous_upper(root, stage, input, output, extra);
    if (!note_least_cost || is_widening || stage != UPPERREL_FINAL || !twin_planner_is_outermost())
        return;
    foreach (cell, root->join_rel_list) {
        const RelOptInfo *join = lfirst(cell);
        if (join->consider_parallel && join->partial_pathlist == NIL && has_partial_path(root, join->relids))
            narrowing_count = NARROWING_MOST + 1;
    }
}

Query *
twin_least_cost_prepare(Query *query)
{
    was_narrowed = false;
    narrowing_count = 0;
    return note_least_cost && max_parallel_workers_per_gather > 0 && !IsInParallelMode() ? copyObject(query)
                                                                                         : NULL;
}

/* An error here, such as a timeout, comes when the answer is there already and must not spoil it: then
 * nothing is known of fewer indexes, and 0 bounds nothing. Only a subtransaction frees what it leaves. */
static double
wider_cost(Query *copy, const char *text, int options, ParamListInfo parameters)
{
    MemoryContext before = CurrentMemoryContext;
    MemoryContext own = AllocSetContextCreate(before, "fettle twin least cost", ALLOCSET_DEFAULT_SIZES);
    ResourceOwner owner = CurrentResourceOwner;
    volatile double cost = 0;
    BeginInternalSubTransaction(NULL);
    is_widening = true;
    PG_TRY();
    {
        MemoryContextSwitchTo(own);
        twin_outdone_begin();
        cost = standard_planner(copy, text, options, parameters)->planTree->total_cost;
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        cost = 0;
    }
    PG_END_TRY();
    is_widening = false;
    MemoryContextSwitchTo(before);
    CurrentResourceOwner = owner;
    MemoryContextDelete(own);
    return cost;
}

void
twin_least_cost_take(Query *copy, const char *text, int options, ParamListInfo parameters, double cost)
{
    cost_given = least_cost = cost;
    if (copy != NULL && was_narrowed) {
        double wider = wider_cost(copy, text, options, parameters);
        least_cost = Min(cost, wider);
    }
}

/* Names end with the text, separated by commas. One that is not known makes all of them unknown. */
static const char *
least_cost_show(void)
{
    StringInfoData text;
    bool is_known = narrowing_count <= NARROWING_MOST && IsTransactionState();
    int i;
    initStringInfo(&text);
    appendStringInfo(&text, "%.2f %.2f", cost_given, least_cost);
    if (least_cost >= cost_given)
        return text.data;
    for (i = 0; is_known && i < narrowing_count; i++) {
        const char *name = twin_index_name(narrowing[i]);
        is_known = name != NULL;
        appendStringInfo(&text, "%c%s", i == 0 ? ' ' : ',', is_known ? name : "");
    }
    return is_known ? text.data : psprintf("%.2f %.2f", cost_given, least_cost);
}

void
twin_least_cost_install(void)
{
    previous_pathlist = set_rel_pathlist_hook;
    set_rel_pathlist_hook = least_cost_pathlist;
    previous_upper = create_upper_paths_hook;
    create_upper_paths_hook = least_cost_upper;
    DefineCustomBoolVariable("fettle_twin.note_least_cost",
                             "Plans queries again beside scans that an index narrowed to fewer workers.",
                             NULL, &note_least_cost, false, PGC_USERSET, 0, NULL, NULL, NULL);
    DefineCustomStringVariable("fettle_twin.least_cost", "Cost that fewer indexes could have at the least.",
                               NULL, &least_cost_text, "", PGC_INTERNAL, 0, NULL, NULL, least_cost_show);
}
