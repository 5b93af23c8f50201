// SPDX-License-Identifier: PostgreSQL
/*
 * What a query would cost had no index narrowed the planner's view.
 *
 * With more indexes to choose from the planner should do no worse, and a search for indexes lives on that:
 * what everything together cannot do, no part of it can. There is one systematic exception. Of the partial
 * paths of a relation, which several workers share, the planner keeps the cheapest, whatever rows each worker
 * then has. A parallel scan by an index that is cheaper than the parallel scan of the table, but has fewer
 * workers since an index has fewer pages, takes its place, and all joins above bear more rows a worker: a
 * query of TPC-H was dearer by 31 % with the index than without. So it is with a nested loop from a small
 * table by an index, and a join that an index makes cheaper without workers than with them has then no path
 * with any; one made for the tests is 2.3 times as dear with five indexes as with one of them.
 *
 * With fettle_twin.note_least_cost on, a query of which a table or a join has fewer workers than it could
 * have is planned once more, with the paths kept that have them (partial_paths.c). The plan that is given
 * stays the planner's. SHOW fettle_twin.least_cost tells its cost and the lesser of the two, of the last
 * query that was planned: a bound for what fewer indexes could do. SHOW fettle_twin.least_indexes names the
 * indexes that the plan of that cost uses (which no query may have, where query levels have too many numbers
 * of workers to try each).
 *
 * Then it names the indexes of all paths that drove out one with more workers. With these still there, fewer
 * others take only paths that were not kept, so that the cost itself is a bound.
 *
 * Not seen: a plan to which more workers are dearer, as they are where each of them hands up many groups; a
 * part of an Append that is cheaper without workers than with them; another order of joins that GEQO happens
 * on; and what has nothing to do with workers: the planner's fuzz of 1 % between paths, a LIMIT that is
 * better served by a path that starts early, bitmaps that are ANDed one after the other, a merge join that
 * ends early, which the cheapest path below does not serve best.
 */
#include "twin_module.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "lib/stringinfo.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/paths.h"
#include "optimizer/planner.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

static set_rel_pathlist_hook_type previous_pathlist;
static create_upper_paths_hook_type previous_upper;
static bool note_least_cost;
static char *least_cost_text; /* never set, both: what they show is below */
static char *least_indexes_text;
static double cost_given;
static double least_cost;
static bool was_narrowed;

/* Query levels, and ways to choose of how many workers the paths are that they are made of. */
#define LEVELS_MOST 32
#define WAYS_MOST 8

#define INDEXES_MOST 64
typedef struct Indexes {
    Oid items[INDEXES_MOST];
    int count; /* more than the most: nobody knows them all */
} Indexes;

static Indexes narrowing;
static Indexes least_used; /* by the plan of the least cost */

static void
indexes_add(Indexes *indexes, Oid index)
{
    int i;
    for (i = 0; i < Min(indexes->count, INDEXES_MOST); i++)
        if (indexes->items[i] == index)
            return;
    if (indexes->count < INDEXES_MOST)
        indexes->items[indexes->count] = index;
    if (indexes->count <= INDEXES_MOST)
        indexes->count++;
}

static void
indexes_forget(Indexes *indexes)
{
    indexes->count = INDEXES_MOST + 1;
}

static void narrowing_note_path(const Path *path);

static void
narrowing_note_paths(const List *paths)
{
    ListCell *cell;
    foreach (cell, paths)
        narrowing_note_path(lfirst(cell));
}

/* The indexes that it reads. */
static void
narrowing_note_path(const Path *path)
{
    check_stack_depth();
    switch (nodeTag(path)) {
        case T_IndexPath: indexes_add(&narrowing, ((const IndexPath *)path)->indexinfo->indexoid); break;
        case T_BitmapHeapPath: narrowing_note_path(((const BitmapHeapPath *)path)->bitmapqual); break;
        case T_BitmapAndPath: narrowing_note_paths(((const BitmapAndPath *)path)->bitmapquals); break;
        case T_BitmapOrPath: narrowing_note_paths(((const BitmapOrPath *)path)->bitmapquals); break;
        case T_NestPath:
        case T_MergePath:
        case T_HashPath:
            narrowing_note_path(((const JoinPath *)path)->outerjoinpath);
            narrowing_note_path(((const JoinPath *)path)->innerjoinpath);
            break;
        case T_MaterialPath: narrowing_note_path(((const MaterialPath *)path)->subpath); break;
        case T_SortPath:
        case T_IncrementalSortPath: narrowing_note_path(((const SortPath *)path)->subpath); break;
        case T_UniquePath: narrowing_note_path(((const UniquePath *)path)->subpath); break;
        case T_ProjectionPath: narrowing_note_path(((const ProjectionPath *)path)->subpath); break;
        case T_GatherPath: narrowing_note_path(((const GatherPath *)path)->subpath); break;
        case T_GatherMergePath: narrowing_note_path(((const GatherMergePath *)path)->subpath); break;
        case T_Path: /* of a table without an index, or of no table */ break;
        default:
            if (twin_memoized_path(path) != NULL)
                narrowing_note_path(twin_memoized_path(path));
            else
                indexes_forget(&narrowing);
    }
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

/* What is cheaper with fewer workers than another path has, or without any. */
static void
narrowing_note_join(const RelOptInfo *join, int workers)
{
    ListCell *cell;
    narrowing_note_narrower(join, workers);
    foreach (cell, join->pathlist) {
        const Path *path = lfirst(cell);
        if (path->param_info == NULL)
            narrowing_note_path(path);
    }
}

/* Parts of an inheritance tree come here one by one, and their parent has no scan of its own. */
static void
least_cost_pathlist(PlannerInfo *root, RelOptInfo *rel, Index number, RangeTblEntry *entry)
{
    int workers;
    bool is_narrowed;
    if (previous_pathlist != NULL)
        previous_pathlist(root, rel, number, entry);
    if (!note_least_cost || rel->partial_pathlist == NIL || entry->rtekind != RTE_RELATION || entry->inh ||
        entry->relkind == RELKIND_FOREIGN_TABLE || !twin_planner_is_outermost())
        return;
    workers = twin_partial_workers_most(rel);
    is_narrowed = ((const Path *)linitial(rel->partial_pathlist))->parallel_workers < workers;
    was_narrowed = was_narrowed || is_narrowed;
    if (twin_partial_paths_are_kept())
        twin_partial_paths_of_table(root, rel, is_narrowed);
    else
        narrowing_note_narrower(rel, workers);
}

static int
workers_first(const RelOptInfo *rel)
{
    return rel->partial_pathlist == NIL ? 0
                                        : ((const Path *)linitial(rel->partial_pathlist))->parallel_workers;
}

static int
workers_widest(const RelOptInfo *rel)
{
    ListCell *cell;
    int most = 0;
    foreach (cell, rel->partial_pathlist)
        most = Max(most, ((const Path *)lfirst(cell))->parallel_workers);
    return most;
}

/* The joins are made. One that has fewer workers than a path of a table of it was narrowed, by more than what
 * narrowed the table. */
static void
least_cost_upper(PlannerInfo *root, UpperRelationKind stage, RelOptInfo *input, RelOptInfo *output,
                 void *extra)
{
    ListCell *cell;
    int *widest, i;
    if (previous_upper != NULL)
        previous_upper(root, stage, input, output, extra);
    if (!note_least_cost || twin_partial_paths_are_kept() || stage != UPPERREL_FINAL ||
        !twin_planner_is_outermost())
        return;
    widest = palloc0(sizeof *widest * root->simple_rel_array_size);
    for (i = 1; i < root->simple_rel_array_size; i++)
        if (root->simple_rel_array[i] != NULL)
            widest[i] = workers_widest(root->simple_rel_array[i]);
    foreach (cell, root->join_rel_list) {
        const RelOptInfo *join = lfirst(cell);
        int most = 0;
        for (i = -1; join->consider_parallel && (i = bms_next_member(join->relids, i)) >= 0;)
            if (i < root->simple_rel_array_size)
                most = Max(most, widest[i]);
        if (workers_first(join) < most) {
            narrowing_note_join(join, most);
            was_narrowed = true;
        } else if (most > 0 && twin_partial_join_is_by_parts(join)) {
            indexes_forget(&narrowing);
            was_narrowed = true;
        }
    }
    pfree(widest);
}

Query *
twin_least_cost_prepare(Query *query)
{
    was_narrowed = false;
    narrowing.count = least_used.count = 0;
    return note_least_cost && max_parallel_workers_per_gather > 0 && !IsInParallelMode() ? copyObject(query)
                                                                                         : NULL;
}

static void plan_note(Indexes *indexes, const Plan *plan);

static void
plans_note(Indexes *indexes, const List *plans)
{
    ListCell *cell;
    foreach (cell, plans)
        plan_note(indexes, lfirst(cell));
}

/* The indexes that the plan uses. */
static void
plan_note(Indexes *indexes, const Plan *plan)
{
    if (plan == NULL)
        return;
    check_stack_depth();
    if (IsA(plan, IndexScan))
        indexes_add(indexes, ((const IndexScan *)plan)->indexid);
    else if (IsA(plan, IndexOnlyScan))
        indexes_add(indexes, ((const IndexOnlyScan *)plan)->indexid);
    else if (IsA(plan, BitmapIndexScan))
        indexes_add(indexes, ((const BitmapIndexScan *)plan)->indexid);
    else if (IsA(plan, BitmapAnd))
        plans_note(indexes, ((const BitmapAnd *)plan)->bitmapplans);
    else if (IsA(plan, BitmapOr))
        plans_note(indexes, ((const BitmapOr *)plan)->bitmapplans);
    else if (IsA(plan, Append))
        plans_note(indexes, ((const Append *)plan)->appendplans);
    else if (IsA(plan, MergeAppend))
        plans_note(indexes, ((const MergeAppend *)plan)->mergeplans);
    else if (IsA(plan, SubqueryScan))
        plan_note(indexes, ((const SubqueryScan *)plan)->subplan);
    else if (IsA(plan, CustomScan))
        indexes_forget(indexes);
    plans_note(indexes, twin_modifying_plans(plan));
    plan_note(indexes, plan->lefttree);
    plan_note(indexes, plan->righttree);
}

/* An error here, such as a timeout, comes when the answer is there already and must not spoil it: then
 * nothing is known of fewer indexes, and 0 bounds nothing. Only a subtransaction frees what it leaves. */
static double
wider_cost(Query *query, const char *text, int options, ParamListInfo parameters, Indexes *ret_used)
{
    MemoryContext before = CurrentMemoryContext;
    MemoryContext own = AllocSetContextCreate(before, "fettle twin least cost", ALLOCSET_DEFAULT_SIZES);
    ResourceOwner owner = CurrentResourceOwner;
    volatile double cost = 0;
    ret_used->count = 0;
    BeginInternalSubTransaction(NULL);
    PG_TRY();
    {
        const PlannedStmt *plan;
        MemoryContextSwitchTo(own);
        twin_outdone_begin();
        plan = standard_planner(copyObject(query), text, options, parameters);
        plan_note(ret_used, plan->planTree);
        plans_note(ret_used, plan->subplans);
        cost = plan->planTree->total_cost;
        ReleaseCurrentSubTransaction();
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(before);
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        indexes_forget(ret_used);
        cost = 0;
    }
    PG_END_TRY();
    MemoryContextSwitchTo(before);
    CurrentResourceOwner = owner;
    MemoryContextDelete(own);
    return cost;
}

/* The next way to choose, or false when all were taken. */
static bool
choose_next(int *chosen, const int *counts, int levels)
{
    int i;
    for (i = 0; i < levels; i++) {
        if (++chosen[i] < counts[i])
            return true;
        chosen[i] = 0;
    }
    return false;
}

/* By one way to choose; its query levels. */
static int
least_cost_try(Query *copy, const char *text, int options, ParamListInfo parameters, const int *chosen,
               int *ret_counts)
{
    Indexes used;
    double cost;
    int levels;
    twin_partial_paths_keep(cost_given, chosen, ret_counts, LEVELS_MOST);
    cost = wider_cost(copy, text, options, parameters, &used);
    levels = twin_partial_paths_leave();
    if (levels < 0)
        cost = 0;
    if (cost < least_cost) {
        least_cost = cost;
        least_used = used;
    }
    return Min(levels, LEVELS_MOST);
}

/* Ways to choose, or more than the most. */
static int
ways_of(const int *counts, int levels)
{
    int ways = 1, i;
    for (i = 0; i < levels && ways <= WAYS_MOST; i++)
        ways *= counts[i];
    return ways;
}

void
twin_least_cost_take(Query *copy, const char *text, int options, ParamListInfo parameters, double cost)
{
    int chosen[LEVELS_MOST] = {0}, counts[LEVELS_MOST], way = 0, i, levels;
    cost_given = least_cost = cost;
    if (copy == NULL || !was_narrowed)
        return;
    do {
        levels = least_cost_try(copy, text, options, parameters, chosen, counts);
        if (least_cost <= 0 || !choose_next(chosen, counts, levels))
            return;
    } while (ways_of(counts, levels) <= WAYS_MOST && ++way < WAYS_MOST);
    for (i = 0; i < LEVELS_MOST; i++)
        chosen[i] = TWIN_PARTIAL_IDEAL;
    (void)least_cost_try(copy, text, options, parameters, chosen, counts);
}

/* Separated by commas; false: not all of them are known. */
static bool
indexes_show(StringInfo text, const Indexes *indexes)
{
    int i;
    if (indexes->count > INDEXES_MOST || !IsTransactionState())
        return false;
    for (i = 0; i < indexes->count; i++) {
        const char *name = twin_index_name(indexes->items[i]);
        if (name == NULL)
            return false;
        appendStringInfo(text, "%s%s", i == 0 ? "" : ",", name);
    }
    return true;
}

static const char *
least_cost_show(void)
{
    StringInfoData text, names;
    initStringInfo(&text);
    initStringInfo(&names);
    appendStringInfo(&text, "%.2f %.2f", cost_given, least_cost);
    if (least_cost < cost_given && indexes_show(&names, &narrowing) && names.len > 0)
        appendStringInfo(&text, " %s", names.data);
    return text.data;
}

static const char *
least_indexes_show(void)
{
    StringInfoData names;
    initStringInfo(&names);
    return least_cost < cost_given && indexes_show(&names, &least_used) ? names.data : "";
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
    DefineCustomStringVariable("fettle_twin.least_indexes", "Indexes that the plan of this cost uses.", NULL,
                               &least_indexes_text, "", PGC_INTERNAL, 0, NULL, NULL, least_indexes_show);
}
