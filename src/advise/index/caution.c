// SPDX-License-Identifier: PostgreSQL
#include "advise/index/caution.h"

#include "advise/index/condition.h"

#include <math.h>
#include <string.h>

typedef struct Caution {
    bool is_generic;
    CautiousCost cost;
} Caution;

/* What is found on the way from a LIMIT down to the rows it stops. */
typedef struct EarlyStop {
    bool is_uncertain; /* rows are thrown away on the way */
    ConditionBasis basis;
} EarlyStop;

static void
early_stop_add(EarlyStop *stop, ConditionBasis basis)
{
    stop->is_uncertain = true;
    stop->basis = basis > stop->basis ? basis : stop->basis;
}

static void
early_stop_condition(EarlyStop *stop, const char *condition, bool is_generic)
{
    if (condition != NULL)
        early_stop_add(stop, condition_basis(condition, NULL, 0, is_generic));
}

#define NOT_NULL " IS NOT NULL)"

/*
 * min(a) and max(a) are planned as a scan of an index on a for the first row with "a IS NOT NULL". When that
 * index has b too, "b > $1" is looked up in it and not a filter, yet all entries up to the first match are
 * read. Not so for a range of a itself.
 */
static ConditionBasis
basis_beside_order(const char *condition)
{
    const char *not_null = condition == NULL ? NULL : strstr(condition, NOT_NULL);
    if (not_null == NULL)
        return CONDITION_ESTIMATED;
    const char *column = not_null;
    while (column > condition && column[-1] != '(')
        column--;
    return condition_basis(condition, column, (size_t)(not_null - column), true);
}

/* Nodes that hand on rows as they get them, from their first child. */
static bool
hands_on(const PgPlanNode *node)
{
    static const char *const types[] = {"Nested Loop",   "Merge Join", "Gather Merge", "Gather",
                                        "Subquery Scan", "Unique",     "Group",        "LockRows",
                                        "Result",        "Append",     "Merge Append", "Incremental Sort",
                                        "Materialize",   "Memoize",    "ProjectSet",   "WindowAgg"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (text_equals(node->node_type, types[i]))
            return true;
    return text_equals(node->node_type, "Aggregate") && text_equals(node->strategy, "Sorted");
}

static EarlyStop
early_stop_of(const PgPlanNode *node, bool is_generic)
{
    EarlyStop stop = {0};
    while (node != NULL) {
        early_stop_condition(&stop, node->filter, is_generic);
        early_stop_condition(&stop, node->join_filter, is_generic);
        ConditionBasis beside = is_generic ? basis_beside_order(node->index_condition) : CONDITION_ESTIMATED;
        if (beside != CONDITION_ESTIMATED)
            early_stop_add(&stop, beside);
        /* outer rows without a partner are thrown away */
        stop.is_uncertain = stop.is_uncertain || text_equals(node->join_type, "Inner") ||
                            text_equals(node->join_type, "Semi") || text_equals(node->join_type, "Anti");
        bool goes_on = hands_on(node) && node->children.count > 0;
        node = goes_on ? node->children.items[0] : NULL;
    }
    return stop;
}

/* Adds what one LIMIT may cost beyond the planner's hope, as often as it is run. */
static void
limit_add(Caution *caution, const PgPlanNode *limit, double times)
{
    const PgPlanNode *below = limit->children.count > 0 ? limit->children.items[0] : NULL;
    if (below == NULL || isnan(below->total_cost) || isnan(below->startup_cost) || !(below->plan_rows > 0) ||
        !(limit->plan_rows < below->plan_rows))
        return;
    EarlyStop stop = early_stop_of(below, caution->is_generic);
    if (!stop.is_uncertain)
        return;
    double part = limit->plan_rows / below->plan_rows;
    double likely_part = stop.basis == CONDITION_BLIND ? 1 : part;
    double worst_part = stop.basis == CONDITION_ESTIMATED ? fmin(1, part * CAUTION_FACTOR) : 1;
    double whole = times * (below->total_cost - below->startup_cost);
    caution->cost.likely += whole * (likely_part - part);
    caution->cost.worst += whole * (worst_part - part);
}

static double
times_run(const PgPlanNode *parent, const PgPlanNode *child)
{
    const PgPlanNode *outer = parent->children.items[0];
    bool is_inner = text_equals(parent->node_type, "Nested Loop") && child != outer &&
                    text_equals(child->parent_relationship, "Inner");
    if (is_inner && outer->plan_rows > 1)
        return outer->plan_rows;
    return text_equals(child->parent_relationship, "SubPlan") && parent->plan_rows > 1 ? parent->plan_rows
                                                                                       : 1;
}

static void
caution_walk(Caution *caution, const PgPlanNode *node, double times)
{
    if (text_equals(node->node_type, "Limit"))
        limit_add(caution, node, times);
    for (size_t i = 0; i < node->children.count; i++)
        caution_walk(caution, node->children.items[i], times * times_run(node, node->children.items[i]));
}

CautiousCost
plan_cautious_cost(const PgPlan *plan, bool is_generic)
{
    Caution caution = {.is_generic = is_generic,
                       .cost = {.likely = plan->root->total_cost, .worst = plan->root->total_cost}};
    caution_walk(&caution, plan->root, 1);
    return caution.cost;
}

static CautiousCost
cautious_cost(double cost, const PgPlan *plan, bool is_generic)
{
    if (plan == NULL || !(plan->root->total_cost > 0))
        return (CautiousCost){.likely = cost, .worst = cost};
    CautiousCost of_plan = plan_cautious_cost(plan, is_generic);
    return (CautiousCost){.likely = cost * of_plan.likely / plan->root->total_cost,
                          .worst = cost * of_plan.worst / plan->root->total_cost};
}

CautiousValue
cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost, const PgPlan *plan,
               bool is_generic)
{
    CautiousCost after = cautious_cost(cost, plan, is_generic);
    CautiousCost today =
        cautious_cost(statement->baseline_cost, statement->baseline_plan, statement->is_generic);
    double weight = workload_risk_weight(workload, statement);
    double harmful = CAUTION_HARM_TIMES * today.worst;
    double less_gained = fmax(0, fmin(after.worst, harmful) - after.likely);
    double lost = fmax(0, after.worst - fmax(after.likely, harmful));
    double planned = statement->weight * cost;
    return (CautiousValue){.priced =
                               planned + weight * (after.likely - cost + CAUTION_CHANCE * less_gained + lost),
                           .worst = planned + weight * (after.worst - cost)};
}
