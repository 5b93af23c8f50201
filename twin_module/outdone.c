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
 * 2. The same of their keys may serve: a column does that stands in a condition or is sorted, grouped or made
 *    distinct by. They are the same keys up to the last of i that may serve; or up to the first that cannot,
 * for further on nobody asks for the order of i, and a condition does not narrow what is read of it, only
 * what is fetched of the table: then the further ones that may serve are keys of j at any place.
 * 3. j has no more pages, in all and by row, no greater height, and by its size as many workers; and rows
 *    come in the table's order as much as from i, or more where that saves. The cost function takes the
 *    correlation of the first column, three quarters of it where there are further keys.
 * 4. When i may answer alone, as it has all columns that are certainly read, j has the columns of i that may
 *    be read.
 * Of two that outdo each other the first in the planner's list stays. An index of which no key column can
 * serve, and which cannot answer alone, is outdone by no index at all. One whose file knows the ends of its
 * first column is outdone by none.
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
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_statistic.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/spccache.h"
#include "utils/syscache.h"

static bool hide_outdone;
static char *outdone_text; /* never set: what it shows is the count below */
static int outdone_count;  /* left out in the last planning */

/* Columns of one relation of the query; numbers are offset as pull_varattnos() does it. */
typedef struct Asked {
    const PlannerInfo *root;
    Index relid;
    List *correlations; /* KnownCorrelation, as they are asked for */
    Bitmapset *ordered; /* whose order may serve */
    Bitmapset *arrays;  /* that are compared with arrays */
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

static bool
arrays_take(Node *node, void *context)
{
    Asked *asked = context;
    if (node == NULL)
        return false;
    if (IsA(node, ScalarArrayOpExpr))
        pull_varattnos(node, asked->relid, &asked->arrays);
    return expression_tree_walker(node, arrays_take, context);
}

static void
conditions_note(Node *conditions, Asked *asked)
{
    pull_varattnos(conditions, asked->relid, &asked->ordered);
    arrays_take(conditions, asked);
}

static void
conjuncts_take(Node *conjuncts, bool are_certain, Asked *asked)
{
    ListCell *cell;
    conditions_note(conjuncts, asked);
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
    conditions_note((Node *)entry->securityQuals, asked);
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
        asked->arrays = bms_add_members(asked->arrays, other.arrays);
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

static int
leading_keys(const IndexOptInfo *info, const Asked *asked)
{
    int count = 0;
    while (count < info->nkeycolumns && has_column(asked->ordered, info->indexkeys[count]))
        count++;
    return count;
}

static int
last_key(const IndexOptInfo *info, const Asked *asked)
{
    int count = info->nkeycolumns;
    while (count > 0 && !has_column(asked->ordered, info->indexkeys[count - 1]))
        count--;
    return count;
}

/* Key columns that may serve. */
static Bitmapset *
serving_keys(const IndexOptInfo *info, const Asked *asked)
{
    Bitmapset *serving = NULL;
    int i;
    for (i = 0; i < info->nkeycolumns; i++)
        if (has_column(asked->ordered, info->indexkeys[i]))
            serving = bms_add_member(serving, info->indexkeys[i]);
    return serving;
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
keys_match_alike(const IndexOptInfo *a, int i, const IndexOptInfo *b, int k)
{
    return a->indexkeys[i] == b->indexkeys[k] && a->opfamily[i] == b->opfamily[k] &&
           a->opcintype[i] == b->opcintype[k] && a->indexcollations[i] == b->indexcollations[k];
}

static bool
keys_are_alike(const IndexOptInfo *a, const IndexOptInfo *b, int count)
{
    int i;
    if (a->nkeycolumns < count)
        return false;
    for (i = 0; i < count; i++)
        if (!keys_match_alike(a, i, b, i) || a->reverse_sort[i] != b->reverse_sort[i] ||
            a->nulls_first[i] != b->nulls_first[i])
            return false;
    return true;
}

/* Has it a key for each key of the other, beyond the first ones, that may serve? Comparisons with an array
 * are left out where they do not pay, but not of a first key; and newer servers sum them otherwise. */
static bool
has_further_keys(const IndexOptInfo *info, const IndexOptInfo *other, int first, const Asked *asked)
{
    int i, k;
    for (k = first; k < other->nkeycolumns; k++) {
        if (!has_column(asked->ordered, other->indexkeys[k]))
            continue;
        if (has_column(asked->arrays, other->indexkeys[k]))
            return false;
        for (i = 0; i < info->nkeycolumns && !keys_match_alike(info, i, other, k); i++)
            ;
        if (i == info->nkeycolumns)
            return false;
    }
    return true;
}

typedef struct KnownCorrelation {
    int attnum;
    Oid family;
    double square;
} KnownCorrelation;

/* As btcostestimate() finds it: 0 where nothing is known. */
static double
correlation_read(const PlannerInfo *root, const IndexOptInfo *info)
{
    Oid table = root->simple_rte_array[info->rel->relid]->relid;
    Oid less =
        get_opfamily_member(info->opfamily[0], info->opcintype[0], info->opcintype[0], BTLessStrategyNumber);
    HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table),
                                      Int16GetDatum(info->indexkeys[0]), BoolGetDatum(false));
    AttStatsSlot slot;
    double correlation = 0;
    if (!HeapTupleIsValid(tuple))
        return 0;
    if (OidIsValid(less) &&
        get_attstatsslot(&slot, tuple, STATISTIC_KIND_CORRELATION, less, ATTSTATSSLOT_NUMBERS)) {
        correlation = slot.nnumbers == 1 ? slot.numbers[0] : 0;
        free_attstatsslot(&slot);
    }
    ReleaseSysCache(tuple);
    return correlation;
}

/* The square of what it takes its order to have of the table's. */
static double
order_of_table(const IndexOptInfo *info, Asked *asked)
{
    double factor = info->nkeycolumns > 1 ? 0.75 * 0.75 : 1;
    KnownCorrelation *known;
    ListCell *cell;
    double correlation;
    foreach (cell, asked->correlations) {
        known = lfirst(cell);
        if (known->attnum == info->indexkeys[0] && known->family == info->opfamily[0])
            return known->square * factor;
    }
    correlation = correlation_read(asked->root, info);
    known = palloc(sizeof(*known));
    *known = (KnownCorrelation){info->indexkeys[0], info->opfamily[0], correlation * correlation};
    asked->correlations = lappend(asked->correlations, known);
    return known->square * factor;
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
is_no_larger(const PlannerInfo *root, const IndexOptInfo *info, const IndexOptInfo *other)
{
    return info->pages <= other->pages && info->tuples <= other->tuples &&
           info->pages * other->tuples <= other->pages * info->tuples &&
           info->tree_height <= other->tree_height && info->reltablespace == other->reltablespace &&
           workers_by_size(root, info) == workers_by_size(root, other);
}

/* What is needed of an index again and again, so that a hundred are compared fast. */
typedef struct Rival {
    IndexOptInfo *info;
    bool is_plain;
    bool may_answer_alone;
    int leading; /* keys up to the first that cannot serve */
    int last;    /* keys up to the last that may serve */
    Bitmapset *serving;
    double order;
    int outdone_by; /* number; its own: by none; OUTDONE_USELESS: by no index at all */
} Rival;

#define OUTDONE_USELESS (-1)

/* With sequential scans off, an index may be read whole for a bitmap, but not one that has an order. */
static bool
gives_bitmaps_as(const Rival *a, const Rival *b)
{
    return enable_seqscan || (a->leading == 0) == (b->leading == 0);
}

/* An index that is scanned without fetching rows has workers by what is read of it: more where that is more.
 */
static bool
may_have_workers(const Rival *rival, const Asked *asked)
{
    return (rival->may_answer_alone || !enable_bitmapscan) && workers_by_size(asked->root, rival->info) > 0;
}

static bool
serves_as(const Rival *a, const Rival *b, const Asked *asked)
{
    if (!bms_equal(a->serving, b->serving))
        return false;
    if (keys_are_alike(a->info, b->info, b->last))
        return true;
    return !TWIN_KEYS_ARE_SKIPPED && !may_have_workers(b, asked) && gives_bitmaps_as(a, b) &&
           keys_are_alike(a->info, b->info, b->leading) &&
           has_further_keys(a->info, b->info, b->leading, asked);
}

static bool
outdoes(const Rival *a, const Rival *b, bool order_saves, const Asked *asked)
{
    return a->is_plain && serves_as(a, b, asked) &&
           (a->order == b->order || (a->order > b->order && order_saves)) &&
           is_no_larger(asked->root, a->info, b->info) &&
           (!b->may_answer_alone || has_what_is_read_of(a->info, b->info, asked));
}

/* Of two that outdo each other the first stays. */
static int
outdone_by(const Rival *rivals, int count, int number, bool order_saves, const Asked *asked)
{
    const Rival *subject = &rivals[number];
    int i;
    if (!subject->is_plain)
        return number;
    if (subject->serving == NULL && !subject->may_answer_alone)
        return OUTDONE_USELESS;
    if (!subject->info->hypothetical)
        return number;
    for (i = 0; i < count; i++)
        if (i != number && outdoes(&rivals[i], subject, order_saves, asked) &&
            (i < number || !outdoes(subject, &rivals[i], order_saves, asked)))
            return i;
    return number;
}

/* Between paths of the same cost the order of the list decides: who outdoes another takes its place there. */
static List *
not_outdone(const Rival *rivals, int count)
{
    List *kept = NIL;
    int i;
    for (i = 0; i < count; i++) {
        int number = i;
        while (number != OUTDONE_USELESS && rivals[number].outdone_by != number)
            number = rivals[number].outdone_by;
        if (number != OUTDONE_USELESS)
            kept = list_append_unique_ptr(kept, rivals[number].info);
    }
    return kept;
}

void
twin_outdone_leave_out(PlannerInfo *root, RelOptInfo *rel)
{
    Asked asked = {.root = root, .relid = rel->relid};
    Rival *rivals;
    ListCell *cell;
    bool saves;
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
        rival->leading = leading_keys(rival->info, &asked);
        rival->last = last_key(rival->info, &asked);
        rival->serving = serving_keys(rival->info, &asked);
        rival->order = order_of_table(rival->info, &asked);
        rival->may_answer_alone = may_answer_alone(rival->info, &asked);
    }
    saves = order_saves(rel);
    for (i = 0; i < count; i++)
        rivals[i].outdone_by = outdone_by(rivals, count, i, saves, &asked);
    rel->indexlist = not_outdone(rivals, count);
    outdone_count += count - list_length(rel->indexlist);
    pfree(rivals);
}

void
twin_outdone_begin(void)
{
    outdone_count = 0;
}

static const char *
outdone_show(void)
{
    return psprintf("%d", outdone_count);
}

void
twin_outdone_install(void)
{
    DefineCustomBoolVariable("fettle_twin.hide_outdone",
                             "Keeps from the planner indexes of twin tables that another outdoes.", NULL,
                             &hide_outdone, false, PGC_USERSET, 0, NULL, NULL, NULL);
    DefineCustomStringVariable("fettle_twin.outdone", "Indexes that the last planning left out so.", NULL,
                               &outdone_text, "", PGC_INTERNAL, 0, NULL, NULL, outdone_show);
}
