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
 * With fettle_twin.note_least_cost on, a query whose tables were narrowed so is planned once more, with what
 * could come first of each table's partial paths, had it fewer indexes: what each index gives alone, and the
 * scan of the table, of which the dearer has more workers. Each way to choose them is planned, the widest of
 * all tables first. Where there are too many, and for what only several indexes give together, an ideal scan
 * stands for all: with as many workers as may be, at the cost of the cheapest. No table has it, and with its
 * bound alone a search asked for a minute about sets of which none did better. (One ideal scan for each table
 * was all there was at first: all kinds of indexes for TPC-H of a tenth's scale were proven to 3.9 % in 48 s,
 * and are to .01 % in .2 s.)
 * The plan that is given stays the planner's; SHOW fettle_twin.least_cost tells its cost and the least of
 * these, of the last query that was planned: a bound for what fewer indexes could do. Then it names the
 * indexes of all partial paths that are narrower than they could be: with these still there, fewer others
 * change nothing of what the joins are made of but for the worse, so that the cost itself is a bound.
 *
 * Both are as good as the planner is consistent above the tables. A join whose cheapest path has no workers
 * may keep no path that has, which a join above it then lacks; where that was so nobody is named.
 */
#include "twin_module.h"

#include <math.h>

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
#include "optimizer/restrictinfo.h"
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

/* Scans that could come first of a table's partial ones, each dearer and with more workers. */
#define FIRST_MOST 8
typedef struct FirstScan {
    int workers;
    Cost startup_cost, total_cost;
} FirstScan;

/* The tables that an index narrowed, in the order in which they are planned. */
#define NARROWED_MOST 8
typedef struct Narrowed {
    Oid table;
    FirstScan firsts[FIRST_MOST]; /* 0: the planner's own */
    int count;
    int chosen;
    bool is_ordered; /* one of them but the planner's own is */
} Narrowed;

static Narrowed narrowed[NARROWED_MOST];
static int narrowed_count;

/* What comes first of each: the widest, the chosen, or an ideal scan that no table has. */
static enum { PASS_WIDEST, PASS_CHOSEN, PASS_IDEAL } pass;
#define WAYS_MOST 16 /* to choose them; where there are more, the ideal scans stand for all */

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

/* The partial paths that the table would have with this index alone. */
static List *
partial_paths_of_index(PlannerInfo *root, RelOptInfo *rel, IndexOptInfo *info)
{
    List *indexes = rel->indexlist, *paths = rel->pathlist, *partial = rel->partial_pathlist, *own;
    rel->indexlist = list_make1(info);
    rel->pathlist = rel->partial_pathlist = NIL;
    create_index_paths(root, rel);
    own = rel->partial_pathlist;
    rel->indexlist = indexes;
    rel->pathlist = paths;
    rel->partial_pathlist = partial;
    return own;
}

static int
bitmap_workers(const List *paths)
{
    ListCell *cell;
    int workers = 0;
    foreach (cell, paths)
        if (IsA(lfirst(cell), BitmapHeapPath))
            workers = Max(workers, ((const Path *)lfirst(cell))->parallel_workers);
    return workers;
}

static bool
has_alternatives(const RelOptInfo *rel)
{
    ListCell *cell;
    foreach (cell, rel->baserestrictinfo)
        if (restriction_is_or_clause(lfirst_node(RestrictInfo, cell)))
            return true;
    return false;
}

/* A scan of the whole table with so many workers, as cheap as the cheapest of all scans. */
static Path *
ideal_scan(PlannerInfo *root, RelOptInfo *rel, int workers)
{
    const Path *cheapest = linitial(rel->partial_pathlist);
    Path *scan = create_seqscan_path(root, rel, NULL, workers);
    scan->startup_cost = Min(scan->startup_cost, cheapest->startup_cost);
    scan->total_cost = Min(scan->total_cost, cheapest->total_cost);
    return scan;
}

static int
by_cost(const ListCell *left, const ListCell *right)
{
    const Path *a = lfirst(left), *b = lfirst(right);
    if (a->total_cost != b->total_cost)
        return a->total_cost < b->total_cost ? -1 : 1;
    return a->parallel_workers - b->parallel_workers;
}

/* Is the whole of a scan's cost in the plan's, as no LIMIT stops it? */
static bool
is_run_whole(const PlannerInfo *root)
{
    for (; root != NULL; root = root->parent_root)
        if (root->tuple_fraction > 0 || root->parse->limitCount != NULL)
            return false;
    return true;
}

/*
 * The scans that could come first with fewer indexes and be of a cheaper plan, each dearer than the one
 * before and with more workers. What several indexes do together depends on which are there: ANDed bitmaps
 * read no more pages than the second largest alone, so that they have no more workers, and ORed ones no more
 * than the whole table.
 */
static List *
first_scans(PlannerInfo *root, RelOptInfo *rel)
{
    List *paths = list_copy(rel->partial_pathlist), *firsts = NIL;
    ListCell *cell;
    int whole = compute_parallel_worker(rel, rel->pages, -1, max_parallel_workers_per_gather);
    double cost_most = is_run_whole(root) ? cost_given : INFINITY;
    int most = 0, together = 0;
    foreach (cell, rel->indexlist) {
        List *own = partial_paths_of_index(root, rel, lfirst_node(IndexOptInfo, cell));
        int workers = bitmap_workers(own);
        together = Max(together, Min(workers, most));
        most = Max(most, workers);
        paths = list_concat(paths, own);
    }
    if (has_alternatives(rel))
        together = whole;
    if (whole > 0)
        paths = lappend(paths, create_seqscan_path(root, rel, NULL, whole));
    if (together > 0)
        paths = lappend(paths, ideal_scan(root, rel, together));
    list_sort(paths, by_cost);
    most = 0;
    foreach (cell, paths) {
        const Path *path = lfirst(cell);
        if (path->parallel_workers > most && (firsts == NIL || path->total_cost < cost_most)) {
            firsts = lappend(firsts, lfirst(cell));
            most = path->parallel_workers;
        }
    }
    return firsts;
}

static void
put_first(RelOptInfo *rel, Path *first)
{
    List *paths = list_make1(first);
    ListCell *cell;
    foreach (cell, rel->partial_pathlist)
        if (lfirst(cell) != first && ((const Path *)lfirst(cell))->total_cost >= first->total_cost)
            paths = lappend(paths, lfirst(cell));
    rel->partial_pathlist = paths;
}

static Path *
widest_scan(PlannerInfo *root, RelOptInfo *rel, Narrowed *table)
{
    List *firsts = first_scans(root, rel);
    ListCell *cell;
    table->table = root->simple_rte_array[rel->relid]->relid;
    table->count = list_length(firsts);
    table->is_ordered = false;
    foreach (cell, firsts) {
        const Path *path = lfirst(cell);
        int number = foreach_current_index(cell);
        table->is_ordered = table->is_ordered || (number > 0 && path->pathkeys != NIL);
        if (number < FIRST_MOST)
            table->firsts[number] = (FirstScan){path->parallel_workers, path->startup_cost, path->total_cost};
    }
    return llast(firsts);
}

/* As the widest was sought: by its costs alone, where that is all there is to it. */
static Path *
chosen_scan(PlannerInfo *root, RelOptInfo *rel, const Narrowed *table)
{
    const FirstScan *first = &table->firsts[table->chosen];
    Path *scan;
    if (table->is_ordered || table->chosen >= FIRST_MOST) {
        List *firsts = first_scans(root, rel);
        return list_nth(firsts, Min(table->chosen, list_length(firsts) - 1));
    }
    scan = create_seqscan_path(root, rel, NULL, first->workers);
    scan->startup_cost = first->startup_cost;
    scan->total_cost = first->total_cost;
    return scan;
}

/* The scan that is to be the first of the table's partial ones. */
static void
widen(PlannerInfo *root, RelOptInfo *rel, int workers)
{
    Narrowed *table = &narrowed[Min(narrowed_count, NARROWED_MOST - 1)];
    if (++narrowed_count > NARROWED_MOST || pass == PASS_IDEAL)
        put_first(rel, ideal_scan(root, rel, workers));
    else if (pass == PASS_WIDEST)
        put_first(rel, widest_scan(root, rel, table));
    else if (table->chosen > 0)
        put_first(rel, chosen_scan(root, rel, table));
}

/* Parts of an inheritance tree come here one by one, and their parent has no scan of its own. */
static void
least_cost_pathlist(PlannerInfo *root, RelOptInfo *rel, Index number, RangeTblEntry *entry)
{
    int workers;
    if (previous_pathlist != NULL)
        previous_pathlist(root, rel, number, entry);
    if (!note_least_cost || rel->partial_pathlist == NIL || entry->rtekind != RTE_RELATION || entry->inh ||
        entry->relkind == RELKIND_FOREIGN_TABLE || !twin_planner_is_outermost())
        return;
    workers = workers_most(rel);
    if (!is_widening)
        narrowing_note_narrower(rel, workers);
    if (((const Path *)linitial(rel->partial_pathlist))->parallel_workers >= workers)
        return;
    was_narrowed = true;
    if (is_widening)
        widen(root, rel, workers);
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

/* A table stands in a query twice: what comes first is the same where the same could, for the indexes are.
 * The number of the earlier one, or its own. */
static int
narrowed_alike(int number)
{
    const Narrowed *table = &narrowed[number];
    int i, k;
    for (i = 0; i < number; i++) {
        bool is_alike = narrowed[i].table == table->table && narrowed[i].count == table->count;
        for (k = 0; is_alike && k < Min(table->count, FIRST_MOST); k++)
            is_alike = narrowed[i].firsts[k].workers == table->firsts[k].workers &&
                       narrowed[i].firsts[k].total_cost == table->firsts[k].total_cost;
        if (is_alike)
            return i;
    }
    return number;
}

/* Ways to choose what comes first of each table, or more than the most. */
static int
first_ways(void)
{
    int ways = narrowed_count > NARROWED_MOST ? WAYS_MOST + 1 : 1, i;
    for (i = 0; i < narrowed_count && ways <= WAYS_MOST; i++)
        ways *= narrowed_alike(i) == i ? narrowed[i].count : 1;
    return ways;
}

static void
first_choose(int way)
{
    int i;
    for (i = 0; i < narrowed_count; i++) {
        int alike = narrowed_alike(i);
        narrowed[i].chosen = alike < i ? narrowed[alike].chosen : way % narrowed[i].count;
        way /= alike < i ? 1 : narrowed[i].count;
    }
}

static void
least_cost_plan(Query *query, const char *text, int options, ParamListInfo parameters)
{
    narrowed_count = 0;
    least_cost = Min(least_cost, wider_cost(copyObject(query), text, options, parameters));
}

/* Of all ways the first is the plan itself, and the last has the widest scan of each table. */
void
twin_least_cost_take(Query *copy, const char *text, int options, ParamListInfo parameters, double cost)
{
    int ways, way;
    cost_given = least_cost = cost;
    if (copy == NULL || !was_narrowed)
        return;
    pass = PASS_WIDEST;
    least_cost_plan(copy, text, options, parameters);
    ways = first_ways();
    pass = ways > WAYS_MOST ? PASS_IDEAL : PASS_CHOSEN;
    if (pass == PASS_IDEAL)
        least_cost_plan(copy, text, options, parameters);
    for (way = 1; pass == PASS_CHOSEN && way < ways - 1; way++) {
        first_choose(way);
        least_cost_plan(copy, text, options, parameters);
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
