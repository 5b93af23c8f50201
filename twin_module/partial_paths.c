// SPDX-License-Identifier: PostgreSQL
/*
 * Partial paths with more workers, kept beside cheaper ones with fewer.
 *
 * Of the partial paths of a relation, which several workers share, the planner keeps the cheapest, and of a
 * join none when a path without workers is cheaper; all that is made of them has then more rows a worker. Of
 * two paths with rows in the same order neither is the better, when one is cheaper and the other has more
 * workers: while these are kept, a relation's partial paths are in groups, one for each number of workers,
 * and a join is made of each group of its outer side with each of its inner side. In a group it is the
 * planner that chooses. Of a table's paths are also those that it would have with fewer indexes.
 *
 * The planner itself has what is left of all groups, the cheapest first. What it makes above the joins of
 * one query level it makes of the first alone: so of the topmost relation it has one group, which can be
 * chosen, for one planning after the other. The groups hang on RelOptInfo.fdw_private, which is nobody's
 * where no foreign data wrapper is.
 *
 * Parts of an inheritance tree get an ideal scan instead: of as many workers as may be, and as cheap as the
 * cheapest.
 */
#include "twin_module.h"

#include <math.h>

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/memutils.h"

typedef struct Groups {
    List *lists; /* of lists of Path */
    bool is_whole;
} Groups;

static bool is_keeping;
static bool is_joining_again;
static double cost_most;
static const int *chosen;
static int *group_counts;
static int level_most;
static int level; /* of those seen so far, the number of the last */
static const PlannerInfo *level_root;
static bool is_beyond; /* something was planned of which nothing is known here */
static set_join_pathlist_hook_type previous_join;

void
twin_partial_paths_keep(double cost, const int *chosen_groups, int *ret_group_counts, int count_most)
{
    is_keeping = true;
    is_joining_again = false;
    cost_most = cost;
    chosen = chosen_groups;
    group_counts = ret_group_counts;
    level_most = count_most;
    level = -1;
    level_root = NULL;
    is_beyond = false;
}

int
twin_partial_paths_leave(void)
{
    is_keeping = is_joining_again = false;
    return is_beyond ? -1 : level + 1;
}

bool
twin_partial_paths_are_kept(void)
{
    return is_keeping;
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

int
twin_partial_workers_most(RelOptInfo *rel)
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

/* Bitmaps of the table that answer the same of its conditions, by their place among them. */
typedef struct Bitmaps {
    Bitmapset *conditions;
    int workers; /* the most */
} Bitmaps;

/* One of an index alone; false: it is no bitmap, or of something else. */
static bool
bitmap_of_path(const RelOptInfo *rel, const Path *path, Bitmaps *ret_bitmap)
{
    const Path *part = IsA(path, BitmapHeapPath) ? ((const BitmapHeapPath *)path)->bitmapqual : NULL;
    ListCell *cell, *other;
    *ret_bitmap = (Bitmaps){.workers = path->parallel_workers};
    if (part == NULL || !IsA(part, IndexPath))
        return false;
    foreach (cell, ((const IndexPath *)part)->indexclauses)
        foreach (other, rel->baserestrictinfo)
            if (lfirst(other) == lfirst_node(IndexClause, cell)->rinfo)
                ret_bitmap->conditions = bms_add_member(ret_bitmap->conditions, foreach_current_index(other));
    return true;
}

/* Of these bitmaps, whose workers come to those of the same conditions. */
static List *
bitmaps_add(List *all, const RelOptInfo *rel, const List *paths)
{
    ListCell *cell, *other;
    foreach (cell, paths) {
        Bitmaps found, *bitmaps = NULL;
        if (!bitmap_of_path(rel, lfirst(cell), &found))
            continue;
        foreach (other, all)
            if (bms_equal(((const Bitmaps *)lfirst(other))->conditions, found.conditions))
                bitmaps = lfirst(other);
        if (bitmaps == NULL) {
            bitmaps = palloc0(sizeof *bitmaps);
            bitmaps->conditions = found.conditions;
            all = lappend(all, bitmaps);
        }
        bitmaps->workers = Max(bitmaps->workers, found.workers);
    }
    return all;
}

/* Two bitmaps with a condition in common are not ANDed. */
static int
workers_together(const List *all)
{
    ListCell *cell, *other;
    int most = 0;
    foreach (cell, all)
        foreach (other, all) {
            const Bitmaps *a = lfirst(cell), *b = lfirst(other);
            if (a != b && !bms_overlap(a->conditions, b->conditions))
                most = Max(most, Min(a->workers, b->workers));
        }
    return most;
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
    twin_path_allow_as(scan, cheapest);
    return scan;
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
 * What the table's partial paths are and what they could be with fewer indexes. What several indexes do
 * together depends on which are there: ANDed bitmaps read no more pages than the second largest alone, so
 * that they have no more workers, and ORed ones no more than the whole table; an ideal scan stands for them.
 */
static List *
table_paths(PlannerInfo *root, RelOptInfo *rel)
{
    List *paths = list_copy(rel->partial_pathlist), *bitmaps = NIL;
    ListCell *cell;
    int whole = compute_parallel_worker(rel, rel->pages, -1, max_parallel_workers_per_gather), together;
    foreach (cell, rel->indexlist) {
        List *own = partial_paths_of_index(root, rel, lfirst_node(IndexOptInfo, cell));
        bitmaps = bitmaps_add(bitmaps, rel, own);
        paths = list_concat(paths, own);
    }
    together = has_alternatives(rel) ? whole : workers_together(bitmaps);
    if (whole > 0)
        paths = lappend(paths, create_seqscan_path(root, rel, NULL, whole));
    if (together > 0)
        paths = lappend(paths, ideal_scan(root, rel, together));
    return paths;
}

static int
by_cost(const ListCell *left, const ListCell *right)
{
    const Path *a = lfirst(left), *b = lfirst(right);
    if (a->total_cost != b->total_cost)
        return a->total_cost < b->total_cost ? -1 : 1;
    return b->parallel_workers - a->parallel_workers;
}

static List **
group_of(Groups *groups, int workers)
{
    ListCell *cell;
    foreach (cell, groups->lists) {
        List *group = lfirst(cell);
        if (((const Path *)linitial(group))->parallel_workers == workers)
            return (List **)&lfirst(cell);
    }
    return NULL;
}

static void
group_add(Groups *groups, Path *path)
{
    List **group = group_of(groups, path->parallel_workers);
    if (group != NULL)
        *group = lappend(*group, path);
    else
        groups->lists = lappend(groups->lists, list_make1(path));
}

static bool
is_outdone_by(const Path *path, const Path *other)
{
    return other->total_cost <= path->total_cost && other->parallel_workers >= path->parallel_workers &&
           pathkeys_contained_in(path->pathkeys, other->pathkeys);
}

/* By cost; of two that outdo each other the first stays. */
static Groups *
groups_of_paths(List *paths)
{
    Groups *groups = palloc0(sizeof *groups);
    List *kept = NIL;
    ListCell *cell, *other;
    groups->is_whole = true;
    list_sort(paths, by_cost);
    foreach (cell, paths) {
        bool is_outdone = false;
        foreach (other, kept)
            is_outdone = is_outdone || is_outdone_by(lfirst(cell), lfirst(other));
        if (!is_outdone) {
            kept = lappend(kept, lfirst(cell));
            group_add(groups, lfirst(cell));
        }
    }
    return groups;
}

static List *
groups_paths(const Groups *groups)
{
    List *paths = NIL;
    ListCell *cell;
    foreach (cell, groups->lists)
        paths = list_concat(paths, lfirst(cell));
    list_sort(paths, by_cost);
    return paths;
}

/* Once they are read nothing comes to them any more. */
static List *
groups_read(RelOptInfo *rel)
{
    Groups *groups = rel->fdwroutine == NULL ? rel->fdw_private : NULL;
    if (groups == NULL)
        return groups_of_paths(list_copy(rel->partial_pathlist))->lists;
    if (!groups->is_whole) {
        /* GEQO reads, in a context of its own, what was joined before it. */
        MemoryContext before = MemoryContextSwitchTo(GetMemoryChunkContext(rel));
        rel->fdw_private = groups = groups_of_paths(groups_paths(groups));
        MemoryContextSwitchTo(before);
    }
    return groups->lists;
}

/* The share of the rows that each process has, as the planner has it. */
static double
parallel_divisor(int workers)
{
    double leader = parallel_leader_participation ? Max(1.0 - 0.3 * workers, 0) : 0;
    return workers + leader;
}

/* The planner frees paths that it drops of its list: they are not those that the groups have. NULL: not a
 * join's. */
static Path *
path_copy(const Path *path)
{
    size_t size = IsA(path, NestPath)    ? sizeof(NestPath)
                  : IsA(path, MergePath) ? sizeof(MergePath)
                  : IsA(path, HashPath)  ? sizeof(HashPath)
                                         : 0;
    return size == 0 ? NULL : memcpy(palloc(size), path, size);
}

/* The cheapest, with the most workers of all. */
static Path *
ideal_path(PlannerInfo *root, RelOptInfo *rel, List *paths)
{
    Path *cheapest = linitial(paths), *ideal = path_copy(cheapest);
    int most = 0;
    ListCell *cell;
    foreach (cell, paths)
        most = Max(most, ((const Path *)lfirst(cell))->parallel_workers);
    if (ideal == NULL)
        return ideal_scan(root, rel, most);
    ideal->rows *= parallel_divisor(cheapest->parallel_workers) / parallel_divisor(most);
    ideal->parallel_workers = most;
    return ideal;
}

/* Of two that cost the same within this the planner keeps the one in the better order. */
#define FUZZ 1.01

/* What add_partial_path() would keep of them: it frees what it does not when a query level ends, with a
 * Gather made of it already. */
static List *
paths_kept(List *paths)
{
    List *kept = NIL;
    ListCell *cell, *other;
    list_sort(paths, by_cost);
    foreach (cell, paths) {
        Path *path = lfirst(cell);
        bool is_dropped = false;
        foreach (other, kept) {
            const Path *cheaper = lfirst(other);
            if (pathkeys_contained_in(path->pathkeys, cheaper->pathkeys))
                is_dropped = true;
            else if (path->total_cost <= cheaper->total_cost * FUZZ &&
                     pathkeys_contained_in(cheaper->pathkeys, path->pathkeys))
                kept = foreach_delete_current(kept, other);
        }
        if (!is_dropped)
            kept = lappend(kept, path);
    }
    return kept;
}

/* Of the topmost relation: the chosen group. */
static List *
topmost_paths(PlannerInfo *root, RelOptInfo *rel, List *paths, const Groups *groups)
{
    int count = list_length(groups->lists), group = 0;
    if (root != level_root)
        level++;
    level_root = root;
    if (level < level_most) {
        group_counts[level] = count;
        group = chosen[level];
    } else if (count > 1) {
        group = TWIN_PARTIAL_IDEAL;
    }
    if (group == TWIN_PARTIAL_IDEAL)
        return count == 1 ? paths_kept(paths) : list_make1(ideal_path(root, rel, paths));
    return paths_kept(list_copy(list_nth(groups->lists, Min(group, count - 1))));
}

static bool
is_topmost(const PlannerInfo *root, const RelOptInfo *rel)
{
    return bms_equal(rel->relids, twin_query_relids(root));
}

/* The planner's own list, of paths by cost. */
static List *
planner_paths(PlannerInfo *root, RelOptInfo *rel, List *paths)
{
    return paths != NIL && is_topmost(root, rel)
               ? topmost_paths(root, rel, paths, groups_of_paths(list_copy(paths)))
               : paths;
}

/* Of the planner's list a Gather Merge sorts the first alone. */
static void
gather_groups(PlannerInfo *root, RelOptInfo *rel, const Groups *groups)
{
    int i;
    for (i = 1; i < list_length(groups->lists); i++) {
        rel->partial_pathlist = list_nth(groups->lists, i);
        generate_useful_gather_paths(root, rel, false);
    }
}

void
twin_partial_paths_of_table(PlannerInfo *root, RelOptInfo *rel, bool is_narrowed)
{
    Groups *groups;
    if (rel->reloptkind != RELOPT_BASEREL) {
        if (is_narrowed)
            rel->partial_pathlist =
                lcons(ideal_scan(root, rel, twin_partial_workers_most(rel)), rel->partial_pathlist);
        return;
    }
    if (is_narrowed) {
        List *paths = table_paths(root, rel), *cheap = NIL;
        double most = is_run_whole(root) ? cost_most : INFINITY;
        ListCell *cell;
        foreach (cell, paths)
            if (lfirst(cell) == linitial(paths) || ((const Path *)lfirst(cell))->pathkeys != NIL ||
                ((const Path *)lfirst(cell))->total_cost < most)
                cheap = lappend(cheap, lfirst(cell)); /* a merge join may end before its sorted input */
        rel->partial_pathlist = cheap;
    }
    groups = groups_of_paths(list_copy(rel->partial_pathlist));
    if (!is_topmost(root, rel))
        gather_groups(root, rel, groups);
    rel->fdw_private = groups;
    rel->partial_pathlist = planner_paths(root, rel, groups_paths(groups));
}

/* One that is dearer than all, so that of the outer side nothing is joined but what workers share. */
static Path *
dearest_path(RelOptInfo *rel)
{
    Path *path = makeNode(Path);
    path->pathtype = T_Result;
    path->parent = rel;
    path->pathtarget = rel->reltarget;
    path->rows = rel->rows;
    path->startup_cost = path->total_cost = 1e30;
    twin_path_forbid(path);
    return path;
}

/* What the planner makes of these two groups, beside what the join has of as many workers. */
static void
join_groups(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner, JoinType type,
            JoinPathExtraData *extra)
{
    Groups *groups = join->fdw_private;
    int workers = ((const Path *)linitial(outer->partial_pathlist))->parallel_workers;
    List **group = group_of(groups, workers);
    join->pathlist = NIL;
    join->partial_pathlist = group == NULL ? NIL : *group;
    add_paths_to_joinrel(root, join, outer, inner, type, extra->sjinfo, extra->restrictlist);
    if (group != NULL)
        *group = join->partial_pathlist;
    else if (join->partial_pathlist != NIL)
        groups->lists = lappend(groups->lists, join->partial_pathlist);
}

static void
join_all_groups(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner, JoinType type,
                JoinPathExtraData *extra)
{
    RelOptInfo outer_before = *outer, join_before = *join;
    List *outers = groups_read(outer), *inners = groups_read(inner), *inner_before = inner->partial_pathlist;
    ListCell *cell, *other;
    Path *dearest = dearest_path(outer);
    outer->pathlist = list_make1(dearest);
    outer->cheapest_startup_path = outer->cheapest_total_path = dearest;
    outer->cheapest_parameterized_paths = list_make1(dearest);
    is_joining_again = true;
    foreach (cell, outers) {
        outer->partial_pathlist = lfirst(cell);
        if (inners == NIL)
            join_groups(root, join, outer, inner, type, extra);
        foreach (other, inners) {
            inner->partial_pathlist = lfirst(other);
            join_groups(root, join, outer, inner, type, extra);
        }
    }
    is_joining_again = false;
    inner->partial_pathlist = inner_before;
    outer->partial_pathlist = outer_before.partial_pathlist;
    outer->pathlist = outer_before.pathlist;
    outer->cheapest_startup_path = outer_before.cheapest_startup_path;
    outer->cheapest_total_path = outer_before.cheapest_total_path;
    outer->cheapest_parameterized_paths = outer_before.cheapest_parameterized_paths;
    join->pathlist = join_before.pathlist;
    join->partial_pathlist = join_before.partial_pathlist;
}

bool
twin_partial_join_is_by_parts(const RelOptInfo *join)
{
    return enable_partitionwise_join && join->part_scheme != NULL;
}

/* An error leaves the relations as they are: their planning is over with it. */
static void
partial_paths_join(PlannerInfo *root, RelOptInfo *join, RelOptInfo *outer, RelOptInfo *inner, JoinType type,
                   JoinPathExtraData *extra)
{
    List *paths = NIL;
    ListCell *cell;
    if (previous_join != NULL)
        previous_join(root, join, outer, inner, type, extra);
    if (!is_keeping || is_joining_again || !twin_planner_is_outermost() || !join->consider_parallel ||
        join->fdwroutine != NULL || type == JOIN_UNIQUE_OUTER || outer->partial_pathlist == NIL)
        return;
    if (twin_partial_join_is_by_parts(join)) {
        is_beyond = true; /* its paths from its partitions' joins come later */
        return;
    }
    if (join->fdw_private == NULL)
        join->fdw_private = palloc0(sizeof(Groups));
    join_all_groups(root, join, outer, inner, type, extra);
    foreach (cell, groups_paths(groups_of_paths(groups_paths(join->fdw_private)))) {
        Path *copy = path_copy(lfirst(cell));
        if (copy != NULL)
            paths = lappend(paths, copy);
    }
    join->partial_pathlist = planner_paths(root, join, paths);
}

void
twin_partial_paths_install(void)
{
    previous_join = set_join_pathlist_hook;
    set_join_pathlist_hook = partial_paths_join;
}
