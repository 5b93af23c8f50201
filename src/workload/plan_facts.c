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
    if (node->node_type == NULL)
        return;
    if (facts->scans.count == PLAN_SCANS_MOST) {
        facts->has_more_scans = true;
        return;
    }
    const char *condition = index == NULL ? node->recheck_condition : index->index_condition;
    PlanScan scan = {.table = arena_strdup(walk->arena, node->relation),
                     .index = index == NULL ? NULL : arena_strdup(walk->arena, index->index),
                     .condition = arena_strdup(walk->arena, condition),
                     .filter = arena_strdup(walk->arena, node->filter),
                     .is_sequential = strcmp(node->node_type, "Seq Scan") == 0,
                     .is_cut = is_cut && !is_measured,
                     .rows_kept = (is_measured ? node->actual_rows : node->plan_rows) * workers,
                     .rows_read = is_measured ? (node->actual_rows + removed) * workers : NAN,
                     .rows_of_index = index == NULL || index == node ? NAN : index->plan_rows};
    vector_push(walk->arena, &facts->scans, scan);
}

static void
table_take(PlanWalk *walk, const PgPlanNode *node, bool is_cut)
{
    PlanFacts *facts = walk->facts;
    share_add(walk, node);
    facts->rows_read += rows_read_of(node);
    if (node->node_type != NULL && strcmp(node->node_type, "Seq Scan") == 0)
        facts->rows_sequential = fmax(facts->rows_sequential, rows_read_of(node));
    if (is_cut || isnan(node->actual_rows) || isnan(node->plan_rows) || node->actual_loops == 0)
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

/* Whether the condition runs the subplan row by row; a hashed one is read whole. */
static bool
runs_subplan(const char *condition, const char *name)
{
    static const char hashed[] = "hashed ";
    size_t length = strlen(name);
    size_t hashed_length = sizeof(hashed) - 1;
    if (condition == NULL || length == 0)
        return false;
    for (const char *at = strstr(condition, name); at != NULL; at = strstr(at + 1, name)) {
        bool is_hashed = (size_t)(at - condition) >= hashed_length &&
                         strncmp(at - hashed_length, hashed, hashed_length) == 0;
        if (!is_hashed && !isdigit((unsigned char)at[length]))
            return true;
    }
    return false;
}

/* Whether the node may stop at the child's first match. Of the rows of an EXISTS nothing is asked for, so
 * they have no width; IN stands in a condition, as may a value, which is read whole: those are told apart no
 * further. */
static bool
stops_early(const PgPlanNode *node, const PgPlanNode *child)
{
    const char *relationship = child->parent_relationship;
    const char *name = child->subplan_name == NULL ? "" : child->subplan_name;
    if (text_equals(relationship, "Inner"))
        return node_is(node, "Nested Loop") &&
               (text_equals(node->join_type, "Semi") || text_equals(node->join_type, "Anti"));
    if (!text_equals(relationship, "InitPlan") && !text_equals(relationship, "SubPlan"))
        return false;
    if (text_starts_with(name, "CTE "))
        return false;
    return !(child->plan_width > 0) ||
           (text_equals(relationship, "SubPlan") &&
            (runs_subplan(node->filter, name) || runs_subplan(node->join_filter, name)));
}

/* Whether the node's own row count is a constant of the planner's, that no statistics mend. */
static bool
guesses_rows(const PgPlanNode *node)
{
    return node_is(node, "Function Scan") || node_is(node, "Table Function Scan") ||
           node_is(node, "ProjectSet") || node_is(node, "Recursive Union") ||
           (node->filter != NULL && node->relation == NULL) ||
           (node->join_filter != NULL && !plan_condition_is_equality(node->join_filter));
}

/* The plan's parser bounds the depth. */
static void
node_take(PlanWalk *walk, const PgPlanNode *node, bool is_cut, double workers)
{
    double share = node->is_parallel_aware ? workers : 1;
    bool is_measured = !isnan(node->actual_rows);
    if (node->relation != NULL && node->operation == NULL) { /* ModifyTable: its scans are below it */
        table_take(walk, node, is_cut);
        scan_take(walk, node, is_cut, is_measured && share > 1 ? loops_of(node) : share);
    }
    if (node_is(node, "Nested Loop") && (is_measured || !is_cut)) {
        double rows = is_measured ? node->actual_rows * loops_of(node) : node->plan_rows * workers;
        walk->facts->rows_nested = fmax(walk->facts->rows_nested, rows); /* NaN is passed over */
    }
    if (node_is(node, "Gather") || node_is(node, "Gather Merge"))
        workers = pg_plan_shares_of(node);
    walk->facts->is_guessed = walk->facts->is_guessed || guesses_rows(node);
    is_cut = node_is(node, "Limit") || (is_cut && !reads_all(node));
    for (size_t i = 0; i < node->children.count; i++) {
        const PgPlanNode *child = node->children.items[i];
        node_take(walk, child, is_cut || stops_early(node, child), workers);
    }
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

/* The place after a name or a value in quotes. */
static const char *
quoted_end(const char *at)
{
    char quote = *at++;
    for (; *at != '\0'; at++)
        if (*at == quote && *++at != quote)
            return at;
    return at;
}

/* The place after a word; NULL: one that stands for more than a column, a type, a parameter or AND. */
static const char *
word_end(const char *at)
{
    const char *from = at;
    bool has_capital = false;
    for (; isalnum((unsigned char)*at) || *at == '_' || *at == '$' || (unsigned char)*at >= 0x80; at++)
        has_capital = has_capital || isupper((unsigned char)*at);
    bool is_and = at - from == 3 && strncmp(from, "AND", 3) == 0;
    return has_capital && !is_and ? NULL : at;
}

static bool
is_cast_to_text(const char *at)
{
    return text_starts_with(at, "::text") || text_starts_with(at, "::bpchar");
}

bool
plan_condition_is_equality(const char *condition)
{
    bool is_value = false; /* the last word is a parameter or a constant */
    for (const char *at = condition; *at != '\0';) {
        bool is_quoted = *at == '"' || *at == '\'';
        if (is_quoted || isalnum((unsigned char)*at) || strchr("_$", *at) != NULL ||
            (unsigned char)*at >= 0x80) {
            is_value = strchr("'$", *at) != NULL || isdigit((unsigned char)*at);
            at = is_quoted ? quoted_end(at) : word_end(at);
            if (at == NULL || *at == '(') /* a function */
                return false;
            continue;
        }
        if (strchr(" ().:=", *at) == NULL)
            return false;
        at++;
        if (at[-1] == ')' && *at == ':' && !is_value && !is_cast_to_text(at))
            return false;
    }
    return true;
}

double
plan_error_of(const PlanError *error)
{
    double greater = fmax(error->rows_actual, error->rows_expected);
    return greater > 0 ? fabs(error->rows_actual - error->rows_expected) / greater : 0;
}
