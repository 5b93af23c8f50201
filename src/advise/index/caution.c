// SPDX-License-Identifier: PostgreSQL
#include "advise/index/caution.h"

#include <math.h>
#include <string.h>

typedef struct Caution {
    bool is_generic;
    double surcharge;
} Caution;

/* What is found on the way from a LIMIT down to the rows it stops. */
typedef struct EarlyStop {
    bool is_uncertain; /* rows are thrown away on the way */
    bool is_unknown;   /* and how many is not even estimated */
} EarlyStop;

#define OPERATOR_CHARACTERS "<>=~!@#%^&|`?+-*/"

static bool
is_range_operator(const char *text, size_t length)
{
    static const char *const operators[] = {"<", "<=", ">", ">=", "~", "~*", "~~", "~~*", "!~", "!~~"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(operators); i++)
        if (strlen(operators[i]) == length && memcmp(operators[i], text, length) == 0)
            return true;
    return false;
}

/* "a > $1", "$1 <= a", "a ~~ $1": the planner has a constant for these. Equality is the mean over the values.
 */
static bool
has_unknown_range(const char *condition)
{
    for (const char *at = condition; (at = strchr(at, '$')) != NULL; at++) {
        const char *end = at;
        while (end > condition && strchr(" (", end[-1]) != NULL)
            end--;
        const char *begin = end;
        while (begin > condition && strchr(OPERATOR_CHARACTERS, begin[-1]) != NULL)
            begin--;
        const char *after = at + 1;
        after += strspn(after, "0123456789");
        after += strspn(after, " )");
        if (is_range_operator(begin, (size_t)(end - begin)) ||
            is_range_operator(after, strspn(after, OPERATOR_CHARACTERS)))
            return true;
    }
    return false;
}

static void
early_stop_condition(EarlyStop *stop, const char *condition, bool is_generic)
{
    if (condition == NULL)
        return;
    stop->is_uncertain = true;
    stop->is_unknown = stop->is_unknown || (is_generic && has_unknown_range(condition));
}

#define NOT_NULL " IS NOT NULL)"
#define CONDITIONS_MOST 16

/*
 * min(a) and max(a) are planned as a scan of an index on a for the first row with "a IS NOT NULL". When that
 * index has b too, "b > $1" is looked up in it and not a filter, yet all entries up to the first match are
 * read. Not so for a range of a itself.
 */
static bool
has_range_beside_order(const char *condition)
{
    const char *not_null = condition == NULL ? NULL : strstr(condition, NOT_NULL);
    if (not_null == NULL)
        return false;
    const char *column = not_null;
    while (column > condition && column[-1] != '(')
        column--;
    size_t length = (size_t)(not_null - column);
    const char *part = condition;
    for (size_t i = 0; i < CONDITIONS_MOST && part != NULL; i++) {
        const char *next = strstr(part, " AND ");
        char text[256];
        size_t part_length = next == NULL ? strlen(part) : (size_t)(next - part);
        if (part_length < sizeof(text)) {
            memcpy(text, part, part_length);
            text[part_length] = '\0';
            const char *subject = text + strspn(text, "(");
            bool is_ordered = strncmp(subject, column, length) == 0 && subject[length] == ' ';
            if (!is_ordered && has_unknown_range(text))
                return true;
        }
        part = next == NULL ? NULL : next + strlen(" AND ");
    }
    return false;
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
        if (is_generic && has_range_beside_order(node->index_condition))
            stop = (EarlyStop){.is_uncertain = true, .is_unknown = true};
        /* outer rows without a partner are thrown away */
        stop.is_uncertain = stop.is_uncertain || text_equals(node->join_type, "Inner") ||
                            text_equals(node->join_type, "Semi") || text_equals(node->join_type, "Anti");
        bool goes_on = hands_on(node) && node->children.count > 0;
        node = goes_on ? node->children.items[0] : NULL;
    }
    return stop;
}

static double
limit_surcharge(const PgPlanNode *limit, bool is_generic)
{
    const PgPlanNode *below = limit->children.count > 0 ? limit->children.items[0] : NULL;
    if (below == NULL || isnan(below->total_cost) || isnan(below->startup_cost) || !(below->plan_rows > 0) ||
        !(limit->plan_rows < below->plan_rows))
        return 0;
    EarlyStop stop = early_stop_of(below, is_generic);
    if (!stop.is_uncertain)
        return 0;
    double part = limit->plan_rows / below->plan_rows;
    double cautious_part = stop.is_unknown ? 1 : fmin(1, part * CAUTION_FACTOR);
    return (below->total_cost - below->startup_cost) * (cautious_part - part);
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
        caution->surcharge += times * limit_surcharge(node, caution->is_generic);
    for (size_t i = 0; i < node->children.count; i++)
        caution_walk(caution, node->children.items[i], times * times_run(node, node->children.items[i]));
}

double
plan_cautious_cost(const PgPlan *plan, bool is_generic)
{
    Caution caution = {.is_generic = is_generic};
    caution_walk(&caution, plan->root, 1);
    return plan->root->total_cost + caution.surcharge;
}

double
cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost, const PgPlan *plan,
               bool is_generic)
{
    double value = statement->weight * cost;
    if (plan == NULL || !(plan->root->total_cost > 0))
        return value;
    double surcharge = cost * (plan_cautious_cost(plan, is_generic) / plan->root->total_cost - 1);
    return value + workload_risk_weight(workload, statement) * surcharge;
}
