// SPDX-License-Identifier: PostgreSQL
#include "advise/index/caution.h"

#include <math.h>
#include <string.h>

typedef struct Caution {
    CautionFacts facts;
    CautiousCost cost;
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

/* Of a LIMIT that it has no value for, the planner takes a tenth of the rows. */
static bool
is_guessed(const PgPlanNode *limit, double rows)
{
    return fabs(limit->plan_rows - fmax(1, rint(rows / 10))) < 0.5;
}

/* Adds what one LIMIT may cost beyond the planner's hope, as often as it is run. */
static void
limit_add(Caution *caution, const PgPlanNode *limit, double times)
{
    const PgPlanNode *below = limit->children.count > 0 ? limit->children.items[0] : NULL;
    if (below == NULL || isnan(below->total_cost) || isnan(below->startup_cost) || !(below->plan_rows > 0) ||
        !(limit->plan_rows < below->plan_rows))
        return;
    EarlyStop stop = early_stop_of(below, caution->facts.is_generic);
    if (!stop.is_uncertain)
        return;
    double part = limit->plan_rows / below->plan_rows;
    double likely_part = part;
    if (caution->facts.limit_rows > 0 && is_guessed(limit, below->plan_rows))
        likely_part = fmin(1, fmax(part, caution->facts.limit_rows / below->plan_rows));
    double worst_part = stop.is_unknown ? 1 : fmin(1, likely_part * CAUTION_FACTOR);
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
plan_cautious_cost(const PgPlan *plan, const CautionFacts *facts)
{
    Caution caution = {.facts = *facts,
                       .cost = {.likely = plan->root->total_cost, .worst = plan->root->total_cost}};
    caution_walk(&caution, plan->root, 1);
    return caution.cost;
}

/* What the application limits to, as far as the rows that it gets tell; 0: the text says it, or no limit. */
static double
limit_rows_of(const WorkloadStatement *statement)
{
    const SqlAnalysis *analysis = statement->analysis;
    bool is_unknown = false;
    for (size_t i = 0; analysis != NULL && i < analysis->sort_count; i++)
        is_unknown = is_unknown || (analysis->sorts[i].has_limit && isnan(analysis->sorts[i].limit_rows));
    if (!is_unknown)
        return 0;
    double rows = statement->source->rows / statement->source->calls;
    return rows > CAUTION_LIMIT_ROWS ? rows : CAUTION_LIMIT_ROWS;
}

static CautiousCost
cautious_cost(const WorkloadStatement *statement, double cost, const PgPlan *plan, bool is_generic)
{
    CautiousCost known = {.likely = cost, .worst = cost};
    if (plan == NULL || !(plan->root->total_cost > 0))
        return known;
    const CautionFacts facts = {.is_generic = is_generic,
                                .limit_rows = is_generic ? limit_rows_of(statement) : 0};
    CautiousCost of_plan = plan_cautious_cost(plan, &facts);
    return (CautiousCost){.likely = cost * of_plan.likely / plan->root->total_cost,
                          .worst = cost * of_plan.worst / plan->root->total_cost};
}

CautiousValue
cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost, const PgPlan *plan,
               bool is_generic)
{
    CautiousCost after = cautious_cost(statement, cost, plan, is_generic);
    CautiousCost before =
        cautious_cost(statement, statement->baseline_cost, statement->baseline_plan, statement->is_generic);
    double weight = workload_risk_weight(workload, statement);
    double lost = fmax(0, after.worst - fmax(after.likely, before.worst));
    double planned = statement->weight * cost;
    return (CautiousValue){.priced = planned + weight * (after.likely - cost + lost),
                           .worst = planned + weight * (after.worst - cost)};
}
