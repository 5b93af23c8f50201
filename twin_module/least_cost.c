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
 * With fettle_twin.note_least_cost on, a query whose tables were narrowed so is planned once more with the
 * scan of as many workers as the table's size allows in the place of narrower ones. The plan that is given
 * stays the planner's; SHOW fettle_twin.least_cost tells its cost and the lesser of the two, of the last
 * query that was planned: a bound for what fewer indexes could do.
 */
#include "twin_module.h"

#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "utils/guc.h"

static set_rel_pathlist_hook_type previous_pathlist;
static bool note_least_cost;
static char *least_cost_text; /* never set: what it shows is the figure below */
static double cost_given;
static double least_cost;
static bool is_widening; /* the second time */
static bool was_narrowed;

static int
workers_by_size(const RelOptInfo *rel)
{
    return compute_parallel_worker((RelOptInfo *)rel, rel->pages, -1, max_parallel_workers_per_gather);
}

static void
least_cost_pathlist(PlannerInfo *root, RelOptInfo *rel, Index number, RangeTblEntry *entry)
{
    List *kept = NIL;
    ListCell *cell;
    int workers;
    if (previous_pathlist != NULL)
        previous_pathlist(root, rel, number, entry);
    if (!note_least_cost || rel->partial_pathlist == NIL || entry->rtekind != RTE_RELATION || entry->inh ||
        !twin_planner_is_active() || twin_estimate_is_running())
        return;
    workers = workers_by_size(rel);
    if (((Path *)linitial(rel->partial_pathlist))->parallel_workers >= workers)
        return;
    was_narrowed = true;
    if (!is_widening)
        return;
    foreach (cell, rel->partial_pathlist)
        if (((Path *)lfirst(cell))->parallel_workers >= workers)
            kept = lappend(kept, lfirst(cell));
    rel->partial_pathlist = kept;
    if (kept == NIL)
        add_partial_path(rel, create_seqscan_path(root, rel, NULL, workers));
}

Query *
twin_least_cost_prepare(Query *query)
{
    was_narrowed = false;
    return note_least_cost && max_parallel_workers_per_gather > 0 ? copyObject(query) : NULL;
}

void
twin_least_cost_take(Query *copy, const char *text, int options, ParamListInfo parameters, double cost)
{
    cost_given = least_cost = cost;
    if (copy == NULL || !was_narrowed)
        return;
    is_widening = true;
    PG_TRY();
    {
        PlannedStmt *wider = standard_planner(copy, text, options, parameters);
        least_cost = Min(cost, wider->planTree->total_cost);
    }
    PG_FINALLY();
    {
        is_widening = false;
    }
    PG_END_TRY();
}

static const char *
least_cost_show(void)
{
    return psprintf("%.2f %.2f", cost_given, least_cost);
}

void
twin_least_cost_install(void)
{
    previous_pathlist = set_rel_pathlist_hook;
    set_rel_pathlist_hook = least_cost_pathlist;
    DefineCustomBoolVariable("fettle_twin.note_least_cost",
                             "Plans queries again without scans that an index narrowed to fewer workers.",
                             NULL, &note_least_cost, false, PGC_USERSET, 0, NULL, NULL, NULL);
    DefineCustomStringVariable("fettle_twin.least_cost", "Cost that fewer indexes could have at the least.",
                               NULL, &least_cost_text, "", PGC_INTERNAL, 0, NULL, NULL, least_cost_show);
}
