// SPDX-License-Identifier: PostgreSQL
#include "advise/index/caution.h"

#include "advise/index/condition.h"

#include <math.h>
#include <string.h>

typedef struct Caution {
    const CautionView *view;
    const PgPlanNode *root;
    CautiousCost cost;
} Caution;

/* What is found on the way from a LIMIT down to the rows it stops. */
typedef struct EarlyStop {
    const CautionView *view;
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
early_stop_condition(EarlyStop *stop, const char *condition)
{
    if (condition != NULL)
        early_stop_add(stop, condition_basis(condition));
}

static const Candidate *
candidate_of(const CautionView *view, const char *index)
{
    for (size_t i = 0; view->candidates != NULL && index != NULL && i < view->candidates->count; i++) {
        const Candidate *candidate = view->candidates->items[i];
        if (text_equals(candidate->whatif_name, index) ||
            (view->names != NULL && text_equals(view->names[i], index)))
            return candidate;
    }
    return NULL;
}

/*
 * "b > $1" is looked up in an index on (a, b), yet all entries up to the first match are read unless a is
 * given too: it is a filter. min(a) and max(a) are planned so, with "a IS NOT NULL".
 */
static void
early_stop_index(EarlyStop *stop, const PgPlanNode *node)
{
    if (node->index_condition == NULL)
        return;
    const Candidate *candidate = candidate_of(stop->view, node->index);
    const char *keys[CANDIDATE_KEYS_MOST];
    size_t count = 0;
    for (size_t i = 0; candidate != NULL && i < candidate->key_count; i++) {
        const CandidateKey *key = &candidate->keys[i];
        const SnapshotColumn *column = snapshot_column(candidate->relation, key->attnum);
        const char *name = key->expression != NULL ? key->expression : column == NULL ? NULL : column->name;
        if (name == NULL)
            break;
        keys[count++] = name;
    }
    ConditionBasis basis;
    if (condition_beside_keys(node->index_condition, keys, count, &basis))
        early_stop_add(stop, basis);
}

/* An InitPlan is shown first though it is run apart. */
static bool
is_beside(const PgPlanNode *node)
{
    return text_equals(node->parent_relationship, "InitPlan") ||
           text_equals(node->parent_relationship, "SubPlan");
}

/* Whose rows the node hands on or joins to others; NULL: none. */
static const PgPlanNode *
first_child(const PgPlanNode *node)
{
    for (size_t i = 0; i < node->children.count; i++)
        if (!is_beside(node->children.items[i]))
            return node->children.items[i];
    return NULL;
}

/* Nodes that hand on rows as they get them, from their first child. */
static bool
hands_on(const PgPlanNode *node)
{
    static const char *const types[] = {
        "Nested Loop",      "Hash Join",   "Merge Join", "Gather Merge", "Gather",   "Subquery Scan",
        "Unique",           "Group",       "LockRows",   "Result",       "Append",   "Merge Append",
        "Incremental Sort", "Materialize", "Memoize",    "ProjectSet",   "WindowAgg"};
    for (size_t i = 0; i < FETTLE_COUNT_OF(types); i++)
        if (text_equals(node->node_type, types[i]))
            return true;
    return text_equals(node->node_type, "Aggregate") && text_equals(node->strategy, "Sorted");
}

static bool
is_append(const PgPlanNode *node)
{
    return text_equals(node->node_type, "Append") || text_equals(node->node_type, "Merge Append");
}

/* Rows without a partner are thrown away. */
static bool
drops_rows(const PgPlanNode *node)
{
    return text_equals(node->join_type, "Inner") || text_equals(node->join_type, "Semi") ||
           text_equals(node->join_type, "Anti");
}

/* The partners: whatever chooses among them throws rows of the other side away. */
static void
early_stop_partners(EarlyStop *stop, const PgPlanNode *node)
{
    early_stop_condition(stop, node->filter);
    early_stop_condition(stop, node->join_filter);
    early_stop_condition(stop, node->index_condition);
    for (size_t i = 0; i < node->children.count; i++)
        if (!is_beside(node->children.items[i]))
            early_stop_partners(stop, node->children.items[i]);
}

static void
early_stop_visit(EarlyStop *stop, const PgPlanNode *node)
{
    early_stop_condition(stop, node->filter);
    early_stop_condition(stop, node->join_filter);
    early_stop_index(stop, node);
    stop->is_uncertain = stop->is_uncertain || drops_rows(node);
    const PgPlanNode *first = first_child(node);
    for (size_t i = 0; hands_on(node) && i < node->children.count; i++) {
        const PgPlanNode *child = node->children.items[i];
        if (child == first || (is_append(node) && !is_beside(child)))
            early_stop_visit(stop, child);
        else if (!is_beside(child) && drops_rows(node))
            early_stop_partners(stop, child);
    }
}

/* The part of what is below that a LIMIT takes, with what an OFFSET leaves out: NAN when it is not known. */
static double
limit_part(const PgPlanNode *limit, const PgPlanNode *below)
{
    double own = limit->total_cost;
    for (size_t i = 0; i < limit->children.count; i++)
        if (is_beside(limit->children.items[i]) && !isnan(limit->children.items[i]->total_cost))
            own -= limit->children.items[i]->total_cost;
    double whole = below->total_cost - below->startup_cost;
    return whole > 0 ? fmax(0, fmin(1, (own - below->startup_cost) / whole)) : NAN;
}

/* "LIMIT $1" is planned as a tenth of the rows. */
#define PART_UNKNOWN 0.1

/* At worst, when the planner's estimates are only wrong as usual. */
static double
worst_part_estimated(const Caution *caution, const PgPlanNode *limit, const PgPlanNode *below, double part)
{
    double asked = caution->view->rows_each_call;
    double hoped = part;
    bool is_guess = caution->view->is_generic && limit == caution->root && asked > 0 &&
                    part < PART_UNKNOWN * 1.1 &&
                    fabs(limit->plan_rows - PART_UNKNOWN * below->plan_rows) <= 1;
    if (is_guess && below->plan_rows > 0)
        hoped = asked / below->plan_rows;
    return fmax(part, fmin(1, hoped * CAUTION_FACTOR));
}

/* Adds what one LIMIT may cost beyond the planner's hope, as often as it is run. */
static void
limit_add(Caution *caution, const PgPlanNode *limit, const PgPlanNode *below, double times)
{
    double part = limit_part(limit, below);
    if (isnan(part) || part >= 1)
        return;
    EarlyStop stop = {.view = caution->view};
    early_stop_visit(&stop, below);
    if (!stop.is_uncertain)
        return;
    double rarer = fmax(1, caution->view->rarer_times);
    double likely_part = stop.basis == CONDITION_BLIND ? 1 : fmin(1, part * rarer);
    double worst_part =
        stop.basis == CONDITION_ESTIMATED ? worst_part_estimated(caution, limit, below, part) : 1;
    worst_part = fmax(worst_part, likely_part);
    double whole = times * (below->total_cost - below->startup_cost);
    caution->cost.likely += whole * (likely_part - part);
    caution->cost.worst += whole * (worst_part - part);
}

/*
 * Rows that a BitmapAnd finds by the planner's own word on what comes of it; 0: as many as it said. The
 * product of its parts' selectivities, which it is priced by, knows of no extended statistics.
 */
static double
bitmap_rows_hidden(const PgPlanNode *node)
{
    const PgPlanNode *both = first_child(node);
    if (!text_equals(node->node_type, "Bitmap Heap Scan") || both == NULL ||
        !text_equals(both->node_type, "BitmapAnd") || both->children.count == 0)
        return 0;
    double found = node->plan_rows;
    for (size_t i = 0; i < both->children.count; i++)
        found = fmin(found, both->children.items[i]->plan_rows);
    return fmax(0, found - fmax(1, both->plan_rows));
}

/* Of the table whose candidates the node reads; 0: not known, as in a plan of today. */
static double
pages_of(const CautionView *view, const PgPlanNode *node)
{
    const Candidate *candidate = candidate_of(view, node->index);
    double pages = candidate == NULL ? 0 : fmax(1, candidate->relation->relpages);
    for (size_t i = 0; !(pages > 0) && i < node->children.count; i++)
        pages = pages_of(view, node->children.items[i]);
    return pages;
}

/* What a bitmap's rows take to fetch from a table of so many pages, in random reads, as the planner has it:
 * pages by Mackert and Lohman (1989, "Index scans using a finite LRU buffer"), the nearer together, the
 * cheaper each (a quarter, when all are read). */
static double
bitmap_fetch(double rows, double pages)
{
    double fetched = fmin(pages, 2 * pages * rows / (2 * pages + rows));
    return fetched * (1 - 0.75 * sqrt(fetched / pages));
}

/* Adds what these rows take to fetch beyond those that the planner reckoned with. */
static void
bitmap_add(Caution *caution, const PgPlanNode *node, double times)
{
    double hidden = bitmap_rows_hidden(node);
    double pages = hidden > 0 ? pages_of(caution->view, node) : 0;
    if (!(pages > 0))
        return;
    const PgPlanNode *both = first_child(node);
    double own = fmax(0, node->total_cost - both->total_cost);
    double priced = fmax(1, both->plan_rows);
    double growth = bitmap_fetch(priced + hidden, pages) / bitmap_fetch(priced, pages);
    double extra = times * own * fmax(0, growth - 1);
    caution->cost.likely += extra;
    caution->cost.worst += extra;
}

/* A subplan of a node's own condition is run for each row that the condition is asked of. How many these are
 * is not shown, but they cost what the node does. */
static double
times_subplan(const PgPlanNode *parent, const PgPlanNode *child)
{
    if (parent->filter != NULL && child->subplan_name != NULL) {
        const char *shown = strstr(parent->filter, child->subplan_name);
        static const char hashed[] = "hashed ";
        size_t length = strlen(hashed);
        if (shown != NULL && (size_t)(shown - parent->filter) >= length &&
            memcmp(shown - length, hashed, length) == 0)
            return 1;
        if (shown != NULL && child->total_cost > 0 && parent->total_cost > 0)
            return fmax(parent->plan_rows, parent->total_cost / child->total_cost);
    }
    return parent->plan_rows;
}

/* For each time that the parent is run, when this part of its rows is fetched. */
static double
times_run(const PgPlanNode *parent, const PgPlanNode *child, double part)
{
    const PgPlanNode *outer = first_child(parent);
    double times = 1;
    if (text_equals(child->parent_relationship, "SubPlan")) {
        times = times_subplan(parent, child);
    } else if (text_equals(parent->node_type, "Nested Loop") && child != outer && !is_beside(child)) {
        times = outer->plan_rows;
        /* what is remembered is not run again; the join's cost tells how often it is */
        double own = parent->total_cost - outer->total_cost;
        if (text_equals(child->node_type, "Memoize") && own > 0 && child->total_cost > 0)
            times = fmin(times, own / child->total_cost);
    }
    return times > 1 ? fmax(1, times * part) : 1;
}

/* part: of the node's rows, what the LIMITs above fetch. */
static void
caution_walk(Caution *caution, const PgPlanNode *node, double times, double part)
{
    const PgPlanNode *first = first_child(node);
    double part_below = hands_on(node) ? part : 1;
    if (text_equals(node->node_type, "Limit") && first != NULL) {
        limit_add(caution, node, first, times);
        double taken = limit_part(node, first);
        part_below = isnan(taken) ? part : part * taken;
    }
    bitmap_add(caution, node, times * part);
    for (size_t i = 0; i < node->children.count; i++) {
        const PgPlanNode *child = node->children.items[i];
        bool is_streamed = child == first || (is_append(node) && !is_beside(child));
        caution_walk(caution, child, times * times_run(node, child, part), is_streamed ? part_below : 1);
    }
}

CautiousCost
plan_cautious_cost(const PgPlan *plan, const CautionView *view)
{
    Caution caution = {.view = view,
                       .root = plan->root,
                       .cost = {.likely = plan->root->total_cost, .worst = plan->root->total_cost}};
    caution_walk(&caution, plan->root, 1, 1);
    return caution.cost;
}

/* The way that rows come along, from the node down. */
static bool
is_streamed_from(const PgPlanNode *node, const char *index)
{
    if (text_equals(node->index, index))
        return true;
    const PgPlanNode *first = first_child(node);
    for (size_t i = 0; hands_on(node) && i < node->children.count; i++) {
        const PgPlanNode *child = node->children.items[i];
        if ((child == first || (is_append(node) && !is_beside(child))) && is_streamed_from(child, index))
            return true;
    }
    return false;
}

typedef struct IndexSearch {
    const char *index;
    bool is_found;
} IndexSearch;

static void
along_search_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    IndexSearch *search = context;
    const PgPlanNode *below = text_equals(node->node_type, "Limit") ? first_child(node) : NULL;
    search->is_found = search->is_found || (below != NULL && is_streamed_from(below, search->index));
}

bool
plan_stops_along(const PgPlan *plan, const char *index)
{
    IndexSearch search = {.index = index};
    pg_plan_walk(plan, along_search_visit, &search);
    return search.is_found;
}

static bool
reads_index(const PgPlanNode *node, const char *index)
{
    bool reads = text_equals(node->index, index);
    for (size_t i = 0; !reads && i < node->children.count; i++)
        reads = reads_index(node->children.items[i], index);
    return reads;
}

/* Of a BitmapAnd, the part that leaves the fewest rows would do alone. */
static void
crossing_search_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    IndexSearch *search = context;
    if (!(bitmap_rows_hidden(node) > 0))
        return;
    const PgPlanNode *both = first_child(node);
    const PgPlanNode *fewest = both->children.items[0];
    for (size_t i = 1; i < both->children.count; i++)
        if (both->children.items[i]->plan_rows < fewest->plan_rows)
            fewest = both->children.items[i];
    for (size_t i = 0; i < both->children.count; i++)
        if (both->children.items[i] != fewest && reads_index(both->children.items[i], search->index))
            search->is_found = true;
}

bool
plan_crosses_in_vain(const PgPlan *plan, const char *index)
{
    IndexSearch search = {.index = index};
    pg_plan_walk(plan, crossing_search_visit, &search);
    return search.is_found;
}

typedef struct WholeSearch {
    const CautionView *view;
    const PgPlan *today;
    double saved;
} WholeSearch;

static void
whole_search_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    WholeSearch *search = context;
    if (!text_equals(node->node_type, "Index Only Scan") || node->index_condition != NULL ||
        node->filter == NULL || !condition_searches(node->filter) ||
        candidate_of(search->view, node->index) == NULL)
        return;
    const PgPlanNode *scan = pg_plan_scan_of(search->today, node->relation);
    if (scan != NULL)
        search->saved += fmax(0, scan->total_cost - node->total_cost);
}

/* What the planner thinks to save by reading a candidate whole instead of the table, to search each row of
 * it: the pages that are saved are not what it takes its time for. */
static double
whole_searches_saved(const PgPlan *plan, const PgPlan *today, const CautionView *view)
{
    WholeSearch search = {.view = view, .today = today};
    if (plan != NULL && today != NULL)
        pg_plan_walk(plan, whole_search_visit, &search);
    return search.saved;
}

static CautiousCost
cautious_cost(double cost, const PgPlan *plan, const CautionView *view)
{
    if (plan == NULL || !(plan->root->total_cost > 0))
        return (CautiousCost){.likely = cost, .worst = cost};
    CautiousCost of_plan = plan_cautious_cost(plan, view);
    return (CautiousCost){.likely = cost * of_plan.likely / plan->root->total_cost,
                          .worst = cost * of_plan.worst / plan->root->total_cost};
}

#define CALLS_LEAST 10

/* Rows that every call gave: when all gave as many, all found that many. 0: not known. */
static double
rows_each_call(const SnapshotStatement *source)
{
    bool is_known =
        source->calls >= CALLS_LEAST && source->rows > 0 && fmod(source->rows, source->calls) == 0;
    return is_known ? source->rows / source->calls : 0;
}

/* Times of statements for their cost are apart by less than this where rows are estimated well. */
#define RARER_TIMES_LEAST 2

static void
index_fetch_visit(const PgPlanNode *node, const PgPlanNode *parent, void *context)
{
    (void)parent;
    bool *is_found = context;
    *is_found = *is_found || text_equals(node->node_type, "Index Scan") ||
                text_equals(node->node_type, "Bitmap Heap Scan");
}

/* Does its time follow from how many rows match? A scan of the table takes as long for few as for many. */
static bool
fetches_by_index(const PgPlan *plan)
{
    bool is_found = false;
    if (plan != NULL)
        pg_plan_walk(plan, index_fetch_visit, &is_found);
    return is_found;
}

/* How much rarer than estimated its matches are: by how much less time than others it takes for its cost. */
static double
rarer_times(const Workload *workload, const WorkloadStatement *statement)
{
    double times =
        statement->is_generic && statement->weight > 0 && fetches_by_index(statement->baseline_plan)
            ? workload_risk_weight(workload, statement) / statement->weight
            : 1;
    return times < RARER_TIMES_LEAST ? 1 : fmin(times, CAUTION_FACTOR);
}

/* What it is worth that a cost grows: as the statement's time does up to what it may cost today, beyond that
 * as what is read elsewhere, at least. */
typedef struct Slope {
    double today;
    double weight;
    double weight_beyond;
} Slope;

static double
slope_between(const Slope *slope, double from, double to)
{
    if (!(to > from))
        return 0;
    double beyond = fmax(0, to - fmax(from, slope->today));
    return slope->weight * (to - from - beyond) + slope->weight_beyond * beyond;
}

CautiousValue
cautious_value(const Workload *workload, const WorkloadStatement *statement, double cost, const PgPlan *plan,
               const CautionView *view)
{
    CautionView with_rows = *view;
    with_rows.rows_each_call = rows_each_call(statement->source);
    with_rows.rarer_times = rarer_times(workload, statement);
    CautionView of_today = {.is_generic = statement->is_generic,
                            .rows_each_call = with_rows.rows_each_call,
                            .rarer_times = with_rows.rarer_times};
    CautiousCost after = cautious_cost(cost, plan, &with_rows);
    CautiousCost today = cautious_cost(statement->baseline_cost, statement->baseline_plan, &of_today);
    double in_vain = whole_searches_saved(plan, statement->baseline_plan, &with_rows);
    after.likely = fmax(after.likely, fmin(after.likely + in_vain, statement->baseline_cost));
    after.worst = fmax(after.worst, after.likely);
    double hoped_today = today.likely - statement->baseline_cost;
    Slope slope = {.today = today.worst / with_rows.rarer_times,
                   .weight = statement->weight,
                   .weight_beyond = workload_risk_weight(workload, statement)};
    double harmful = CAUTION_HARM_TIMES * today.worst;
    double priced = statement->weight * cost + slope_between(&slope, cost, after.likely) +
                    CAUTION_CHANCE * slope_between(&slope, after.likely, fmin(after.worst, harmful)) +
                    slope_between(&slope, fmax(after.likely, harmful), after.worst);
    return (CautiousValue){.priced = priced,
                           .likely = fmax(cost, after.likely - hoped_today),
                           .worst_times = today.worst > 0 ? after.worst / today.worst : NAN};
}
