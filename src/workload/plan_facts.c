// SPDX-License-Identifier: PostgreSQL
#include "workload/plan_facts.h"

#include "pg/plan.h"
#include "store/observation.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#define SCRATCH_BYTES ((size_t)4 << 30)

static const char *
book_key(Arena *arena, const char *database_name, int64_t query_hash)
{
    return arena_printf(arena, "%" PRId64 " %s", query_hash, database_name == NULL ? "" : database_name);
}

typedef struct PlanWalk {
    Arena *arena;
    PlanFacts *facts;
} PlanWalk;

static double
loops_of(const PgPlanNode *node)
{
    return isnan(node->actual_loops) || node->actual_loops < 1 ? 1 : node->actual_loops;
}

/* Rows that the scan read, as far as the plan tells. */
static double
rows_read_of(const PgPlanNode *node)
{
    if (isnan(node->actual_rows))
        return isnan(node->plan_rows) ? 0 : node->plan_rows;
    double removed = isnan(node->rows_removed_by_filter) ? 0 : node->rows_removed_by_filter;
    return (node->actual_rows + removed) * loops_of(node);
}

static double
cost_of(const PgPlanNode *node)
{
    if (!isnan(node->actual_total_ms))
        return node->actual_total_ms * loops_of(node);
    return isnan(node->total_cost) ? 0 : node->total_cost;
}

static void
share_add(PlanWalk *walk, const PgPlanNode *node)
{
    PlanShares *shares = &walk->facts->shares;
    for (size_t i = 0; i < shares->count; i++)
        if (strcmp(shares->items[i].table, node->relation) == 0) {
            shares->items[i].share += cost_of(node);
            shares->items[i].rows_read += rows_read_of(node);
            return;
        }
    PlanShare share = {.table = arena_strdup(walk->arena, node->relation),
                       .share = cost_of(node),
                       .rows_read = rows_read_of(node)};
    vector_push(walk->arena, shares, share);
}

/* The one index that a scan uses; a bitmap's stands below it. */
static const PgPlanNode *
index_of(const PgPlanNode *node)
{
    if (node->index != NULL)
        return node;
    for (size_t i = 0; i < node->children.count; i++)
        if (node->children.items[i]->index != NULL && node->children.items[i]->relation == NULL)
            return node->children.items[i];
    return NULL;
}

static void
scan_take(PlanWalk *walk, const PgPlanNode *node, bool is_cut, double workers)
{
    PlanFacts *facts = walk->facts;
    const PgPlanNode *index = index_of(node);
    bool is_measured = !isnan(node->actual_rows);
    double removed = isnan(node->rows_removed_by_filter) ? 0 : node->rows_removed_by_filter;
    if (node->node_type == NULL || facts->scans.count == PLAN_SCANS_MOST)
        return;
    PlanScan scan = {.table = arena_strdup(walk->arena, node->relation),
                     .index = index == NULL ? NULL : arena_strdup(walk->arena, index->index),
                     .condition = index == NULL ? NULL : arena_strdup(walk->arena, index->index_condition),
                     .filter = arena_strdup(walk->arena, node->filter),
                     .is_sequential = strcmp(node->node_type, "Seq Scan") == 0,
                     .is_cut = is_cut && !is_measured,
                     .rows_kept = (is_measured ? node->actual_rows : node->plan_rows) * workers,
                     .rows_read = is_measured ? (node->actual_rows + removed) * workers : NAN};
    vector_push(walk->arena, &facts->scans, scan);
}

static void
table_take(PlanWalk *walk, const PgPlanNode *node)
{
    PlanFacts *facts = walk->facts;
    share_add(walk, node);
    facts->rows_read += rows_read_of(node);
    if (node->node_type != NULL && strcmp(node->node_type, "Seq Scan") == 0)
        facts->rows_sequential = fmax(facts->rows_sequential, rows_read_of(node));
    if (isnan(node->actual_rows) || isnan(node->plan_rows) || node->actual_loops == 0)
        return;
    const char *condition = node->filter != NULL ? node->filter : node->index_condition;
    PlanError error = {.table = arena_strdup(walk->arena, node->relation),
                       .condition = arena_strdup(walk->arena, condition),
                       .rows_expected = node->plan_rows,
                       .rows_actual = node->actual_rows};
    vector_push(walk->arena, &facts->errors, error);
}

static bool
node_is(const PgPlanNode *node, const char *type)
{
    return node->node_type != NULL && strcmp(node->node_type, type) == 0;
}

/* Whether all rows below it are read before its first. */
static bool
reads_all(const PgPlanNode *node)
{
    bool is_grouped_by_order = text_equals(node->strategy, "Sorted") && node->group_keys.count > 0;
    return node_is(node, "Sort") || node_is(node, "Hash") || node_is(node, "ModifyTable") ||
           (node_is(node, "Aggregate") && !is_grouped_by_order);
}

/* How many times one process's share the rows of all are, as the planner reckons: the leader helps less the
 * more workers it has. */
static double
workers_of(const PgPlanNode *gather)
{
    double planned = isnan(gather->workers_planned) ? 0 : gather->workers_planned;
    return planned + fmax(0, 1 - 0.3 * planned);
}

/* The plan's parser bounds the depth. */
static void
node_take(PlanWalk *walk, const PgPlanNode *node, bool is_cut, double workers)
{
    double share = node->is_parallel_aware ? workers : 1;
    bool is_measured = !isnan(node->actual_rows);
    if (node->relation != NULL && node->operation == NULL) { /* ModifyTable: its scans are below it */
        table_take(walk, node);
        scan_take(walk, node, is_cut, is_measured && share > 1 ? loops_of(node) : share);
    }
    if (node_is(node, "Nested Loop") && (is_measured || !is_cut)) {
        double rows = is_measured ? node->actual_rows * loops_of(node) : node->plan_rows * workers;
        walk->facts->rows_nested = fmax(walk->facts->rows_nested, rows); /* NaN is passed over */
    }
    if (node_is(node, "Gather") || node_is(node, "Gather Merge"))
        workers = workers_of(node);
    is_cut = node_is(node, "Limit") || (is_cut && !reads_all(node));
    for (size_t i = 0; i < node->children.count; i++)
        node_take(walk, node->children.items[i], is_cut, workers);
}

void
plan_book_add(PlanBook *book, const char *database_name, int64_t query_hash, const char *plan_json)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("stored plan", SCRATCH_BYTES);
    const char *key = book_key(scratch, database_name, query_hash);
    PgPlan *plan;
    Error unreadable = {0};
    if (map_get(book->plans, key) != NULL)
        return;
    if (plan_json == NULL || !pg_plan_parse(scratch, plan_json, strlen(plan_json), &plan, &unreadable)) {
        book->unreadable_count++;
        return;
    }
    PlanWalk walk = {.arena = book->arena, .facts = ARENA_NEW(book->arena, PlanFacts)};
    const PgPlanNode *root = plan->root;
    node_take(&walk, root, false, 1);
    walk.facts->rows_expected = root->plan_rows;
    walk.facts->rows_returned = isnan(root->actual_rows) ? root->plan_rows : root->actual_rows;
    double sum = 0;
    for (size_t i = 0; i < walk.facts->shares.count; i++)
        sum += walk.facts->shares.items[i].share;
    for (size_t i = 0; i < walk.facts->shares.count; i++)
        walk.facts->shares.items[i].share =
            sum > 0 ? walk.facts->shares.items[i].share / sum : 1 / (double)walk.facts->shares.count;
    map_put(book->plans, key, walk.facts);
}

bool
plan_book_read(PgConnection *session, Arena *arena, int64_t target_id, PlanBook *ret_book, Error *error)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("stored plans", SCRATCH_BYTES);
    PlanRows rows;
    PlanBook book = {.plans = map_new(arena), .arena = arena};
    if (!plan_rows_newest(session, scratch, target_id, PLANS_MOST, &rows, error))
        return false;
    for (size_t i = 0; i < rows.count; i++)
        plan_book_add(&book, rows.items[i].database_name, rows.items[i].query_hash, rows.items[i].plan_json);
    *ret_book = book;
    return true;
}

const PlanFacts *
plan_facts_find(const PlanBook *book, const char *database_name, int64_t query_hash)
{
    ArenaMark mark = arena_mark(book->arena);
    const PlanFacts *facts = map_get(book->plans, book_key(book->arena, database_name, query_hash));
    arena_rewind(book->arena, mark);
    return facts;
}

bool
plan_condition_names(const char *condition, const char *column)
{
    size_t length = strlen(column);
    if (condition == NULL || length == 0)
        return false;
    for (const char *at = strstr(condition, column); at != NULL; at = strstr(at + 1, column)) {
        bool begins = at == condition || !(isalnum((unsigned char)at[-1]) || at[-1] == '_' || at[-1] == '\'');
        char next = at[length];
        if (begins && !(isalnum((unsigned char)next) || next == '_' || next == '\''))
            return true;
    }
    return false;
}

double
plan_error_of(const PlanError *error)
{
    double greater = fmax(error->rows_actual, error->rows_expected);
    return greater > 0 ? fabs(error->rows_actual - error->rows_expected) / greater : 0;
}
