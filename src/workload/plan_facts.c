// SPDX-License-Identifier: PostgreSQL
#include "workload/plan_facts.h"

#include "pg/plan.h"
#include "store/observation.h"

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

static void
node_take(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    PlanWalk *walk = context;
    if (node->relation == NULL || node->operation != NULL) /* ModifyTable: its scans are below it */
        return;
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
    pg_plan_walk(plan, node_take, &walk);
    const PgPlanNode *root = plan->root;
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

double
plan_error_of(const PlanError *error)
{
    double greater = fmax(error->rows_actual, error->rows_expected);
    return greater > 0 ? fabs(error->rows_actual - error->rows_expected) / greater : 0;
}
