// SPDX-License-Identifier: PostgreSQL
#include "pg/plan.h"

#include <math.h>

typedef struct PlanFormat {
    Text text;
    bool show_costs;
} PlanFormat;

static void
format_detail(PlanFormat *format, int indent, const char *label, const char *value)
{
    if (value != NULL)
        text_append_format(&format->text, "%*s%s: %s\n", indent, "", label, value);
}

static void
format_list(PlanFormat *format, int indent, const char *label, const TextList *list)
{
    if (list->count == 0)
        return;
    text_append_format(&format->text, "%*s%s: ", indent, "", label);
    for (size_t i = 0; i < list->count; i++)
        text_append_format(&format->text, "%s%s", i == 0 ? "" : ", ", list->items[i]);
    text_append_char(&format->text, '\n');
}

/* "Hash Left Join", "HashAggregate", "Index Scan Backward using i on t a", as EXPLAIN's text form says it. */
static void
format_title(PlanFormat *format, const PgPlanNode *node)
{
    Text *text = &format->text;
    if (node->is_parallel_aware)
        text_append(text, "Parallel ");
    if (text_equals(node->partial_mode, "Partial") || text_equals(node->partial_mode, "Finalize"))
        text_append_format(text, "%s ", node->partial_mode);
    if (text_equals(node->node_type, "Aggregate") && text_equals(node->strategy, "Hashed"))
        text_append(text, "HashAggregate");
    else if (text_equals(node->node_type, "Aggregate") && text_equals(node->strategy, "Sorted"))
        text_append(text, "GroupAggregate");
    else if (text_equals(node->node_type, "Aggregate") && text_equals(node->strategy, "Mixed"))
        text_append(text, "MixedAggregate");
    else if (text_equals(node->node_type, "ModifyTable") && node->operation != NULL)
        text_append(text, node->operation);
    else if (node->join_type != NULL && !text_equals(node->join_type, "Inner") &&
             (text_equals(node->node_type, "Hash Join") || text_equals(node->node_type, "Merge Join")))
        text_append_format(text, "%.*s %s Join", node->node_type[0] == 'H' ? 4 : 5, node->node_type,
                           node->join_type);
    else if (node->join_type != NULL && !text_equals(node->join_type, "Inner"))
        text_append_format(text, "%s %s Join", node->node_type, node->join_type);
    else
        text_append(text, node->node_type);
    if (text_equals(node->scan_direction, "Backward"))
        text_append(text, " Backward");
    if (node->index != NULL)
        text_append_format(text, " %s %s", node->relation == NULL ? "on" : "using", node->index);
    if (node->relation != NULL)
        text_append_format(text, " on %s", node->relation);
    if (node->alias != NULL && !text_equals(node->alias, node->relation))
        text_append_format(text, "%s%s", node->relation == NULL ? " on " : " ", node->alias);
}

static void
format_costs(PlanFormat *format, const PgPlanNode *node)
{
    if (format->show_costs && !isnan(node->total_cost))
        text_append_format(&format->text, "  (cost=%.2f..%.2f rows=%.0f width=%.0f)", node->startup_cost,
                           node->total_cost, node->plan_rows, node->plan_width);
    if (!isnan(node->actual_total_ms))
        text_append_format(&format->text, " (actual time=%.3f..%.3f rows=%.0f loops=%.0f)",
                           node->actual_startup_ms, node->actual_total_ms, node->actual_rows,
                           node->actual_loops);
}

static void
format_node(PlanFormat *format, const PgPlanNode *node, int indent)
{
    if (node->subplan_name != NULL)
        text_append_format(&format->text, "%*s%s\n", indent, "", node->subplan_name);
    text_append_format(&format->text, "%*s%s", indent, "", indent == 0 ? "" : "->  ");
    format_title(format, node);
    format_costs(format, node);
    text_append_char(&format->text, '\n');
    int inner = indent == 0 ? 2 : indent + 6;
    format_list(format, inner, "Group Key", &node->group_keys);
    format_list(format, inner, "Sort Key", &node->sort_keys);
    format_list(format, inner, "Presorted Key", &node->presorted_keys);
    format_detail(format, inner, "Hash Cond", node->hash_condition);
    format_detail(format, inner, "Merge Cond", node->merge_condition);
    format_detail(format, inner, "Recheck Cond", node->recheck_condition);
    format_detail(format, inner, "Index Cond", node->index_condition);
    format_detail(format, inner, "Join Filter", node->join_filter);
    format_detail(format, inner, "Filter", node->filter);
    if (!isnan(node->workers_planned))
        text_append_format(&format->text, "%*sWorkers Planned: %.0f\n", inner, "", node->workers_planned);
    for (size_t i = 0; i < node->children.count; i++)
        format_node(format, node->children.items[i], inner);
}

char *
pg_plan_format(Arena *arena, const PgPlan *plan, bool show_costs)
{
    PlanFormat format = {.text = text_new(arena), .show_costs = show_costs};
    format_node(&format, plan->root, 0);
    return format.text.data;
}
