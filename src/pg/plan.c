// SPDX-License-Identifier: PostgreSQL
#include "pg/plan.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

typedef struct PlanParse {
    Arena *arena;
    size_t node_count;
    Error *error;
} PlanParse;

static void
json_release_at(json_t **json)
{
    json_decref(*json);
}

typedef struct FieldRow {
    const char *key;
    size_t offset;
} FieldRow;

#define FIELD(key, member)                                                                                   \
    {                                                                                                        \
        key, offsetof(PgPlanNode, member)                                                                    \
    }

static const FieldRow text_fields[] = {FIELD("Node Type", node_type),
                                       FIELD("Parent Relationship", parent_relationship),
                                       FIELD("Join Type", join_type),
                                       FIELD("Strategy", strategy),
                                       FIELD("Partial Mode", partial_mode),
                                       FIELD("Operation", operation),
                                       FIELD("Command", command),
                                       FIELD("Schema", schema),
                                       FIELD("Relation Name", relation),
                                       FIELD("Alias", alias),
                                       FIELD("Index Name", index),
                                       FIELD("Index Cond", index_condition),
                                       FIELD("Filter", filter),
                                       FIELD("Join Filter", join_filter),
                                       FIELD("Hash Cond", hash_condition),
                                       FIELD("Merge Cond", merge_condition),
                                       FIELD("Recheck Cond", recheck_condition),
                                       FIELD("Scan Direction", scan_direction),
                                       FIELD("Subplan Name", subplan_name),
                                       FIELD("CTE Name", cte_name)};

static const FieldRow list_fields[] = {FIELD("Sort Key", sort_keys), FIELD("Presorted Key", presorted_keys),
                                       FIELD("Group Key", group_keys), FIELD("Output", output)};

static const FieldRow number_fields[] = {FIELD("Workers Planned", workers_planned),
                                         FIELD("Startup Cost", startup_cost),
                                         FIELD("Total Cost", total_cost),
                                         FIELD("Plan Rows", plan_rows),
                                         FIELD("Plan Width", plan_width),
                                         FIELD("Actual Startup Time", actual_startup_ms),
                                         FIELD("Actual Total Time", actual_total_ms),
                                         FIELD("Actual Rows", actual_rows),
                                         FIELD("Actual Loops", actual_loops),
                                         FIELD("Rows Removed by Filter", rows_removed_by_filter),
                                         FIELD("Shared Hit Blocks", shared_hit_blocks),
                                         FIELD("Shared Read Blocks", shared_read_blocks),
                                         FIELD("Temp Read Blocks", temp_read_blocks),
                                         FIELD("Temp Written Blocks", temp_written_blocks)};

static void *
node_field(PgPlanNode *node, const FieldRow *field)
{
    return (char *)node + field->offset;
}

static void
node_read_lists(Arena *arena, const json_t *object, PgPlanNode *node)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(list_fields); i++) {
        const json_t *array = json_object_get(object, list_fields[i].key);
        TextList *list = node_field(node, &list_fields[i]);
        for (size_t k = 0; k < json_array_size(array); k++) {
            const char *text = json_string_value(json_array_get(array, k));
            if (text != NULL)
                vector_push(arena, list, arena_strdup(arena, text));
        }
    }
}

static void
node_read_fields(Arena *arena, const json_t *object, PgPlanNode *node)
{
    for (size_t i = 0; i < FETTLE_COUNT_OF(text_fields); i++) {
        const char *text = json_string_value(json_object_get(object, text_fields[i].key));
        *(const char **)node_field(node, &text_fields[i]) = arena_strdup(arena, text);
    }
    for (size_t i = 0; i < FETTLE_COUNT_OF(number_fields); i++) {
        const json_t *number = json_object_get(object, number_fields[i].key);
        *(double *)node_field(node, &number_fields[i]) =
            json_is_number(number) ? json_number_value(number) : NAN;
    }
    node->is_parallel_aware = json_is_true(json_object_get(object, "Parallel Aware"));
    node_read_lists(arena, object, node);
}

static bool
plan_parse_node(PlanParse *parse, const json_t *object, int depth, PgPlanNode **ret_node)
{
    if (!json_is_object(object))
        return error_set(parse->error, ERROR_INPUT, "a plan node is not an object");
    if (depth >= PG_PLAN_DEPTH_MOST || parse->node_count >= PG_PLAN_NODES_MOST)
        return error_set(parse->error, ERROR_LIMIT, "the plan is deeper than %d or has more than %d nodes",
                         PG_PLAN_DEPTH_MOST, PG_PLAN_NODES_MOST);
    parse->node_count++;
    PgPlanNode *node = ARENA_NEW(parse->arena, PgPlanNode);
    node_read_fields(parse->arena, object, node);
    if (node->node_type == NULL)
        return error_set(parse->error, ERROR_INPUT, "a plan node has no \"Node Type\"");
    const json_t *children = json_object_get(object, "Plans");
    for (size_t i = 0; i < json_array_size(children); i++) {
        PgPlanNode *child;
        if (!plan_parse_node(parse, json_array_get(children, i), depth + 1, &child))
            return false;
        vector_push(parse->arena, &node->children, child);
    }
    *ret_node = node;
    return true;
}

static double
number_or_nan(const json_t *object, const char *key)
{
    const json_t *number = json_object_get(object, key);
    return json_is_number(number) ? json_number_value(number) : NAN;
}

bool
pg_plan_parse(Arena *arena, const char *text, size_t length, PgPlan **ret_plan, Error *error)
{
    if (length > PG_PLAN_TEXT_BYTES_MOST)
        return error_set(error, ERROR_LIMIT, "the plan is larger than %d bytes", PG_PLAN_TEXT_BYTES_MOST);
    json_error_t reason;
    FETTLE_CLEANUP(json_release_at) json_t *document = json_loadb(text, length, 0, &reason);
    if (document == NULL)
        return error_set(error, ERROR_INPUT, "the plan is not JSON: %s at line %d", reason.text, reason.line);
    const json_t *first = json_is_array(document) ? json_array_get(document, 0) : document;
    const json_t *root = json_object_get(first, "Plan");
    if (root == NULL)
        return error_set(error, ERROR_INPUT, "the text is JSON, but has no \"Plan\"");
    PlanParse parse = {.arena = arena, .error = error};
    PgPlan *plan = ARENA_NEW(arena, PgPlan);
    if (!plan_parse_node(&parse, root, 0, &plan->root))
        return false;
    plan->node_count = parse.node_count;
    plan->planning_ms = number_or_nan(first, "Planning Time");
    plan->execution_ms = number_or_nan(first, "Execution Time");
    *ret_plan = plan;
    return true;
}

static void
plan_walk_node(const PgPlanNode *node, const PgPlanNode *parent, PgPlanVisitor visit, void *context)
{
    visit(node, parent, context);
    for (size_t i = 0; i < node->children.count; i++)
        plan_walk_node(node->children.items[i], node, visit, context);
}

static void
node_rename_index(PgPlanNode *node, const char *from, const char *to)
{
    if (text_equals(node->index, from))
        node->index = to;
    for (size_t i = 0; i < node->children.count; i++)
        node_rename_index(node->children.items[i], from, to);
}

void
pg_plan_rename_index(PgPlan *plan, const char *from, const char *to)
{
    node_rename_index(plan->root, from, to);
}

void
pg_plan_walk(const PgPlan *plan, PgPlanVisitor visit, void *context)
{
    plan_walk_node(plan->root, NULL, visit, context);
}

typedef struct ScanSearch {
    const char *relation;
    const PgPlanNode *scan;
} ScanSearch;

static void
scan_search_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    ScanSearch *search = context;
    if (!text_equals(node->relation, search->relation))
        return;
    if (search->scan == NULL || node->total_cost > search->scan->total_cost)
        search->scan = node;
}

const PgPlanNode *
pg_plan_scan_of(const PgPlan *plan, const char *relation)
{
    ScanSearch search = {.relation = relation};
    pg_plan_walk(plan, scan_search_visit, &search);
    return search.scan;
}

double
pg_plan_shares_of(const PgPlanNode *gather)
{
    double planned = isnan(gather->workers_planned) ? 0 : gather->workers_planned;
    return planned + fmax(0, 1 - 0.3 * planned);
}

/* NAN: the node is not in the tree. */
static double
shares_above(const PgPlanNode *tree, const PgPlanNode *node, double shares)
{
    if (tree == node)
        return shares;
    if (text_equals(tree->node_type, "Gather") || text_equals(tree->node_type, "Gather Merge"))
        shares = pg_plan_shares_of(tree);
    for (size_t i = 0; i < tree->children.count; i++) {
        double found = shares_above(tree->children.items[i], node, shares);
        if (!isnan(found))
            return found;
    }
    return NAN;
}

double
pg_plan_rows_of_all(const PgPlan *plan, const PgPlanNode *node)
{
    return node->is_parallel_aware ? node->plan_rows * shares_above(plan->root, node, 1) : node->plan_rows;
}
