// SPDX-License-Identifier: PostgreSQL
/*
 * Indexes that another outdoes, kept from the planner.
 *
 * A search for indexes asks with a hundred of a table's present, of which most are alike to the statement: of
 * (a, b), (a, c) and (a) a query that asks nothing of the order of b and c, and cannot be answered from the
 * index alone, takes the smallest. Paths of each of them, by each set of outer rows that may feed it, are
 * most of what planning then costs. With fettle_twin.hide_outdone on, the planner sees one of a kind.
 *
 * Index i is outdone by j of the same table when whatever path the planner makes of i it makes of j, at no
 * greater cost:
 * 1. Both are valid, plain B-trees over columns, not unique and not partial.
 * 2. Their keys are the same up to the last column of each whose order may serve: one that stands in a
 *    condition or is sorted, grouped or made distinct by. A further key column restricts nothing and its
 *    order is asked for by nobody.
 * 3. j has no more pages, in all and by row, no greater height, and by its size as many workers. The cost
 * function trusts the correlation of a single key column with the table's order by a third more: j may be the
 * only one of them that has one where order saves, else both or neither.
 * 4. When i may answer alone, as it has all columns that are certainly read, j has the columns of i that may
 * be read.
 * Of two that outdo each other the elder stays. An index of which no key column can serve, and which cannot
 * answer alone, is outdone by no index at all. One whose file knows the ends of its first column is
 * outdone by none.
 *
 * What is asked of a column is read from the query as it is just before its paths are made, on this query
 * level: conditions, also of row security and of sublinks, that came down or up from other levels are there.
 * It errs on the side of keeping an index. Inheritance children and partitions are left alone.
 *
 * The plan's cost may yet be another where the planner itself does not prefer what is smaller:
 * 1. Part of an index is scanned by as many workers as it has pages for, and the part is not known yet.
 * 2. An index's share of a cache that is smaller than the query's tables is rounded up to a page.
 * 3. Of paths within 1 %, and of bitmaps that cost the same, it takes one by their order.
 */
#include "twin_module.h"

#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "utils/guc.h"
#include "utils/spccache.h"

static bool hide_outdone;

/* Columns of one relation of the query; numbers are offset as pull_varattnos() does it. */
typedef struct Asked {
    const PlannerInfo *root;
    Index relid;
    Bitmapset *ordered; /* whose order may serve */
    Bitmapset *read;    /* that may be read */
    Bitmapset *certain; /* that are read for certain */
} Asked;

static inline bool
has_column(const Bitmapset *columns, int attnum)
{
    return bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, columns);
}

/* A condition that a NOT NULL makes true at all times: newer servers read nothing for it. */
static bool
may_be_always_true(Node *node, void *context)
{
    if (node == NULL)
        return false;
    if (IsA(node, NullTest) && ((NullTest *)node)->nulltesttype == IS_NOT_NULL)
        return true;
    if (IsA(node, OpExpr) && list_length(((OpExpr *)node)->args) == 2 &&
        equal(linitial(((OpExpr *)node)->args), lsecond(((OpExpr *)node)->args)))
        return true;
    return expression_tree_walker(node, may_be_always_true, context);
}

static void
conjuncts_take(Node *conjuncts, bool are_certain, Asked *asked)
{
    ListCell *cell;
    pull_varattnos(conjuncts, asked->relid, &asked->ordered);
    if (!are_certain || conjuncts == NULL || !IsA(conjuncts, List))
        return;
    foreach (cell, (List *)conjuncts)
        if (!may_be_always_true(lfirst(cell), NULL))
            pull_varattnos(lfirst(cell), asked->relid, &asked->certain);
}

/*
 * Conditions of the join tree; true: the relation is in this part of it. Conditions of outer joins' ON, and
 * of parts that refer to the relation from beside it, are not read for certain, for a join may be removed.
 */
static bool
conditions_take(Node *node, Asked *asked)
{
    ListCell *cell;
    bool has = false;
    if (node == NULL)
        return false;
    if (IsA(node, RangeTblRef))
        return ((RangeTblRef *)node)->rtindex == (int)asked->relid;
    if (IsA(node, FromExpr)) {
        FromExpr *from = (FromExpr *)node;
        foreach (cell, from->fromlist)
            has |= conditions_take(lfirst(cell), asked);
        conjuncts_take(from->quals, has, asked);
    } else if (IsA(node, JoinExpr)) {
        JoinExpr *join = (JoinExpr *)node;
        has |= conditions_take(join->larg, asked);
        has |= conditions_take(join->rarg, asked);
        conjuncts_take(join->quals, has && join->jointype == JOIN_INNER, asked);
    }
    return has;
}

typedef struct LateralSearch {
    Asked *asked;
    Index depth; /* of queries below the relation's */
} LateralSearch;

static bool
lateral_take(Node *node, void *context)
{
    LateralSearch *search = context;
    if (node == NULL)
        return false;
    if (IsA(node, Var)) {
        const Var *var = (const Var *)node;
        if (var->varno == (int)search->asked->relid && var->varlevelsup == search->depth)
            search->asked->read =
                bms_add_member(search->asked->read, var->varattno - FirstLowInvalidHeapAttributeNumber);
        return false;
    }
    if (IsA(node, Query)) {
        search->depth++;
        query_tree_walker((Query *)node, lateral_take, search, 0);
        search->depth--;
        return false;
    }
    return expression_tree_walker(node, lateral_take, search);
}

/* Columns that subqueries, functions and the like in FROM take from the relation beside them. */
static void
laterals_take(Asked *asked)
{
    const PlannerInfo *root = asked->root;
    LateralSearch search = {.asked = asked};
    int i;
    for (i = 1; i < root->simple_rel_array_size; i++) {
        RangeTblEntry *entry = root->simple_rte_array[i];
        if (entry != NULL && (entry->rtekind == RTE_RELATION || entry->rtekind == RTE_SUBQUERY ||
                              entry->rtekind == RTE_FUNCTION || entry->rtekind == RTE_TABLEFUNC ||
                              entry->rtekind == RTE_VALUES))
            range_table_entry_walker(entry, lateral_take, &search, 0);
    }
}

/* Aggregates that want their input sorted. */
static bool
aggregates_take(Node *node, void *context)
{
    Asked *asked = context;
    if (node == NULL)
        return false;
    if (IsA(node, Aggref)) {
        Aggref *aggregate = (Aggref *)node;
        if (aggregate->aggorder != NIL || aggregate->aggdistinct != NIL)
            pull_varattnos((Node *)aggregate->args, asked->relid, &asked->ordered);
        return false;
    }
    return expression_tree_walker(node, aggregates_take, context);
}

static void
targets_take(List *targets, Asked *asked)
{
    ListCell *cell;
    foreach (cell, targets) {
        TargetEntry *target = lfirst_node(TargetEntry, cell);
        if (target->ressortgroupref != 0)
            pull_varattnos((Node *)target->expr, asked->relid, &asked->ordered);
    }
    aggregates_take((Node *)targets, asked);
}

static void
asked_take(Asked *asked)
{
    const PlannerInfo *root = asked->root;
    const Query *query = root->parse;
    RangeTblEntry *entry = root->simple_rte_array[asked->relid];
    conditions_take((Node *)query->jointree, asked);
    pull_varattnos((Node *)entry->securityQuals, asked->relid, &asked->ordered);
    pull_varattnos((Node *)root->processed_tlist, asked->relid, &asked->certain);
    pull_varattnos(query->havingQual, asked->relid, &asked->certain);
    pull_varattnos(query->havingQual, asked->relid, &asked->ordered);
    targets_take(query->targetList, asked);
    targets_take(root->processed_tlist, asked);
    aggregates_take(query->havingQual, asked);
    laterals_take(asked);
    asked->read = bms_add_members(asked->read, asked->ordered);
    asked->read = bms_add_members(asked->read, asked->certain);
    pull_varattnos((Node *)query->targetList, asked->relid, &asked->read);
    pull_varattnos((Node *)query->returningList, asked->relid, &asked->read);
    /* UNION and its like may want their parts sorted. */
    if (root->parent_root != NULL && root->parent_root->parse->setOperations != NULL)
        asked->ordered = bms_add_members(asked->ordered, asked->read);
}

/* A self-join by a unique key may become one scan, of which is asked what was asked of both. */
static void
self_joins_take(Asked *asked)
{
    const PlannerInfo *root = asked->root;
    Oid table = root->simple_rte_array[asked->relid]->relid;
    int i;
    for (i = 1; TWIN_SELF_JOINS_MAY_GO && i < root->simple_rel_array_size; i++) {
        RangeTblEntry *entry = root->simple_rte_array[i];
        Asked other = {.root = root, .relid = (Index)i};
        if (entry == NULL || entry->rtekind != RTE_RELATION || entry->relid != table ||
            other.relid == asked->relid)
            continue;
        asked_take(&other);
        asked->ordered = bms_add_members(asked->ordered, other.ordered);
        asked->read = bms_add_members(asked->read, other.read);
        asked->certain = NULL;
    }
}

static bool
is_plain(const IndexOptInfo *info)
{
    int i;
    if (info->relam != BTREE_AM_OID || info->unique || info->indexprs != NIL || info->indpred != NIL ||
        info->sortopfamily == NULL)
        return false;
    for (i = 0; i < info->ncolumns; i++)
        if (info->indexkeys[i] <= 0)
            return false;
    return true;
}

/* Key columns up to the last that may serve. */
static int
serving_keys(const IndexOptInfo *info, const Asked *asked)
{
    int count = info->nkeycolumns;
    while (count > 0 && !has_column(asked->ordered, info->indexkeys[count - 1]))
        count--;
    return count;
}

static bool
index_has_column(const IndexOptInfo *info, int attnum)
{
    int i;
    for (i = 0; i < info->ncolumns; i++)
        if (info->indexkeys[i] == attnum)
            return true;
    return false;
}

/* Has it all that is read for certain? A system column or a whole row no index has. */
static bool
may_answer_alone(const IndexOptInfo *info, const Asked *asked)
{
    int i = -1;
    while ((i = bms_next_member(asked->certain, i)) >= 0)
        if (!index_has_column(info, i + FirstLowInvalidHeapAttributeNumber))
            return false;
    return true;
}

static bool
has_what_is_read_of(const IndexOptInfo *info, const IndexOptInfo *other, const Asked *asked)
{
    bool reads_row = has_column(asked->read, 0);
    int i;
    for (i = 0; i < other->ncolumns; i++)
        if ((reads_row || has_column(asked->read, other->indexkeys[i])) &&
            !index_has_column(info, other->indexkeys[i]))
            return false;
    return true;
}

static bool
keys_are_alike(const IndexOptInfo *a, const IndexOptInfo *b, int count)
{
    int i;
    for (i = 0; i < count; i++)
        if (a->indexkeys[i] != b->indexkeys[i] || a->opfamily[i] != b->opfamily[i] ||
            a->opcintype[i] != b->opcintype[i] || a->indexcollations[i] != b->indexcollations[i] ||
            a->reverse_sort[i] != b->reverse_sort[i] || a->nulls_first[i] != b->nulls_first[i])
            return false;
    return true;
}

/* Are rows fetched in the table's order never dearer than at random? Not where pages are nearly empty. */
static bool
order_saves(const RelOptInfo *rel)
{
    double random_cost, sequential_cost;
    get_tablespace_page_costs(rel->reltablespace, &random_cost, &sequential_cost);
    return random_cost >= sequential_cost && rel->tuples >= 4.0 * rel->pages;
}

/* Workers that a parallel scan of the whole index has. */
static int
workers_by_size(const PlannerInfo *root, const IndexOptInfo *info)
{
    return root->glob->parallelModeOK
               ? compute_parallel_worker(info->rel, -1, info->pages, max_parallel_workers_per_gather)
               : 0;
}

static bool
costs_no_more(const PlannerInfo *root, const IndexOptInfo *info, const IndexOptInfo *other)
{
    return info->pages <= other->pages && info->tuples <= other->tuples &&
           info->pages * other->tuples <= other->pages * info->tuples &&
           info->tree_height <= other->tree_height && info->reltablespace == other->reltablespace &&
           ((info->nkeycolumns == 1) == (other->nkeycolumns == 1) ||
            (info->nkeycolumns == 1 && order_saves(info->rel))) &&
           workers_by_size(root, info) == workers_by_size(root, other);
}

/* What is needed of an index again and again, so that a hundred are compared fast. */
typedef struct Rival {
    IndexOptInfo *info;
    bool is_plain;
    bool may_answer_alone;
    int serving;
} Rival;

static bool
outdoes(const Rival *a, const Rival *b, const Asked *asked)
{
    return a->is_plain && a->serving == b->serving && costs_no_more(asked->root, a->info, b->info) &&
           keys_are_alike(a->info, b->info, a->serving) &&
           (!b->may_answer_alone || has_what_is_read_of(a->info, b->info, asked));
}

static bool
is_outdone(const Rival *rivals, int count, int number, const Asked *asked)
{
    const Rival *subject = &rivals[number];
    int i;
    if (!subject->is_plain)
        return false;
    if (subject->serving == 0)
        return !subject->may_answer_alone;
    if (!subject->info->hypothetical)
        return false;
    for (i = 0; i < count; i++)
        if (i != number && outdoes(&rivals[i], subject, asked) &&
            (rivals[i].info->indexoid < subject->info->indexoid || !outdoes(subject, &rivals[i], asked)))
            return true;
    return false;
}

void
twin_outdone_leave_out(PlannerInfo *root, RelOptInfo *rel)
{
    Asked asked = {.root = root, .relid = rel->relid};
    Rival *rivals;
    List *kept = NIL;
    ListCell *cell;
    int count = 0;
    int i;
    if (!hide_outdone || rel->reloptkind != RELOPT_BASEREL || list_length(rel->indexlist) < 2 ||
        root->simple_rte_array == NULL || root->simple_rte_array[rel->relid]->inh)
        return;
    if (root->parse->commandType != CMD_SELECT && root->parse->commandType != CMD_INSERT &&
        root->parse->commandType != CMD_UPDATE && root->parse->commandType != CMD_DELETE)
        return;
    asked_take(&asked);
    self_joins_take(&asked);
    rivals = palloc0(sizeof(*rivals) * (Size)list_length(rel->indexlist));
    foreach (cell, rel->indexlist) {
        Rival *rival = &rivals[count++];
        rival->info = lfirst_node(IndexOptInfo, cell);
        rival->is_plain = is_plain(rival->info);
        if (!rival->is_plain)
            continue;
        rival->serving = serving_keys(rival->info, &asked);
        rival->may_answer_alone = may_answer_alone(rival->info, &asked);
    }
    for (i = 0; i < count; i++)
        if (!is_outdone(rivals, count, i, &asked))
            kept = lappend(kept, rivals[i].info);
    pfree(rivals);
    rel->indexlist = kept;
}

void
twin_outdone_install(void)
{
    DefineCustomBoolVariable("fettle_twin.hide_outdone",
                             "Keeps from the planner indexes of twin tables that another outdoes.", NULL,
                             &hide_outdone, false, PGC_USERSET, 0, NULL, NULL, NULL);
}
