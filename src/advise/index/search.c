// SPDX-License-Identifier: PostgreSQL
#include "advise/index/search.h"

#include "advise/index/write_cost.h"

#include <math.h>

/* Questions per statement beyond "everything present". */
#define HARVEST_QUESTIONS_MOST 8
/* An index must be worth at least this share of the workload to be proposed. */
#define GAIN_SHARE_LEAST 1e-3
#define MOVES_MOST 4096

VECTOR_DEFINE(BitsList, Bits);

typedef struct Search {
    Arena *arena;
    const AdvisorContext *context;
    const CandidateSet *candidates;
    Oracle *oracle;
    BitsList moves; /* singles and plan sets that may be added at once */
    Bits harvested;
    Bits chosen;
    double *cost; /* by statement, under chosen */
    double chosen_bytes;
    bool is_stopped;
} Search;

static bool
search_out_of_time(Search *search)
{
    if (deadline_passed(search->context->deadline))
        search->is_stopped = true;
    return search->is_stopped;
}

static void
search_progress(const Search *search, const char *step, size_t done, size_t total)
{
    const AdvisorContext *context = search->context;
    if (context->progress != NULL)
        context->progress(context->progress_context, step, (int64_t)done, (int64_t)total);
}

double
search_gain(const AdvisorContext *context, const WorkloadStatement *statement, double before, double after)
{
    double threshold = settings_get_double(context->settings, SETTING_ADVISE_GAIN_PERCENT) / 100;
    double change = before - after;
    if (fabs(change) < threshold * statement->baseline_cost)
        return 0;
    return change * statement->weight;
}

static double
set_bytes(const Search *search, Bits set, Bits without)
{
    double bytes = 0;
    for (size_t i = 0; i < search->candidates->count; i++)
        if (bits_has(set, i) && !bits_has(without, i) && !isnan(search->candidates->items[i]->size_bytes))
            bytes += search->candidates->items[i]->size_bytes;
    return bytes;
}

static double
set_write_cost(const Search *search, Bits set, Bits without)
{
    double cost = 0;
    for (size_t i = 0; i < search->candidates->count; i++)
        if (bits_has(set, i) && !bits_has(without, i))
            cost += search->candidates->items[i]->write_cost;
    return cost;
}

static void
search_move_add(Search *search, Bits move)
{
    if (bits_is_empty(move) || search->moves.count >= MOVES_MOST)
        return;
    for (size_t i = 0; i < search->moves.count; i++)
        if (bits_is_subset(move, search->moves.items[i]) && bits_is_subset(search->moves.items[i], move))
            return;
    vector_push(search->arena, &search->moves, bits_copy(search->arena, move));
}

static void
search_harvest_take(Search *search, Bits used)
{
    search_move_add(search, used);
    for (size_t i = 0; i < search->candidates->count; i++) {
        if (!bits_has(used, i) || bits_has(search->harvested, i))
            continue;
        bits_add(search->harvested, i);
        Bits single = bits_new(search->arena, search->candidates->count);
        bits_add(single, i);
        search_move_add(search, single);
    }
}

/* The efficient plans of one statement: everything present; then, again and again, without one used index of
 * the last answer, and without all of them. */
static bool
search_harvest_statement(Search *search, size_t statement, Error *error)
{
    Bits all = bits_new(search->arena, search->candidates->count);
    for (size_t i = 0; i < search->candidates->relevant[statement].count; i++)
        bits_add(all, search->candidates->relevant[statement].numbers[i]);
    BitsList queue = {0};
    vector_push(search->arena, &queue, all);
    double baseline = search->context->workload->statements[statement].baseline_cost;
    for (size_t asked = 0; asked < queue.count && asked <= HARVEST_QUESTIONS_MOST; asked++) {
        if (search_out_of_time(search))
            return true;
        double cost;
        Bits used;
        Bits present = queue.items[asked];
        if (!oracle_cost(search->oracle, statement, present, false, &cost, &used, error))
            return false;
        if (bits_is_empty(used) || cost > baseline * (1 - ORACLE_TOLERANCE))
            continue;
        search_harvest_take(search, used);
        for (size_t i = 0; i < search->candidates->count; i++) {
            if (!bits_has(used, i))
                continue;
            Bits without = bits_copy(search->arena, present);
            bits_remove(without, i);
            vector_push(search->arena, &queue, without);
        }
    }
    return true;
}

static bool
search_harvest(Search *search, Error *error)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        search_progress(search, "asking the planner", q, workload->count);
        if (workload->statements[q].is_costed && search->candidates->relevant[q].count > 0 &&
            !search_harvest_statement(search, q, error))
            return false;
    }
    for (size_t i = 0; i < search->candidates->count; i++)
        if (bits_has(search->harvested, i))
            search->candidates->items[i]->write_cost =
                index_write_cost(search->context, search->candidates->items[i]);
    return true;
}

/* Does the statement have a relevant candidate among set's? */
static bool
statement_concerned(const Search *search, size_t statement, Bits set)
{
    for (size_t i = 0; i < search->candidates->relevant[statement].count; i++)
        if (bits_has(set, search->candidates->relevant[statement].numbers[i]))
            return true;
    return false;
}

/* Upper bound of the gain from what is known already. */
static double
move_gain_most(const Search *search, Bits move, Bits target)
{
    const Workload *workload = search->context->workload;
    double gain = 0;
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed || !statement_concerned(search, q, move))
            continue;
        OracleBounds bounds = oracle_bounds(search->oracle, q, target);
        double best = search_gain(search->context, &workload->statements[q], search->cost[q], bounds.low);
        gain += best > 0 ? best : 0;
    }
    return gain - set_write_cost(search, move, search->chosen);
}

static bool
move_gain(Search *search, Bits move, Bits target, double *ret_gain, Error *error)
{
    const Workload *workload = search->context->workload;
    double gain = 0;
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed || !statement_concerned(search, q, move))
            continue;
        double cost;
        if (!oracle_cost(search->oracle, q, target, false, &cost, NULL, error))
            return false;
        gain += search_gain(search->context, &workload->statements[q], search->cost[q], cost);
    }
    *ret_gain = gain - set_write_cost(search, move, search->chosen);
    return true;
}

static Bits
set_union(const Search *search, Bits a, Bits b)
{
    Bits both = bits_copy(search->arena, a);
    for (size_t i = 0; i < both.word_count; i++)
        both.words[i] |= b.words[i];
    return both;
}

static bool
search_costs_refresh(Search *search, bool direct, Error *error)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count; q++)
        if (workload->statements[q].is_costed &&
            !oracle_cost(search->oracle, q, search->chosen, direct, &search->cost[q], NULL, error))
            return false;
    return true;
}

/* One greedy step; *ret_done when nothing gains any more. */
static bool
search_step(Search *search, bool *ret_done, Error *error)
{
    const AdvisorContext *context = search->context;
    double least = context->workload->weighted_cost * GAIN_SHARE_LEAST;
    double best_score = 0;
    Bits best = {0};
    for (size_t i = 0; i < search->moves.count && !search_out_of_time(search); i++) {
        Bits move = search->moves.items[i];
        double bytes = set_bytes(search, move, search->chosen);
        if (bits_is_subset(move, search->chosen) || search->chosen_bytes + bytes > context->budget_bytes)
            continue;
        double unit = isfinite(context->budget_bytes) ? bytes + 8192 : 1;
        Bits target = set_union(search, search->chosen, move);
        if (move_gain_most(search, move, target) / unit <= best_score)
            continue;
        double gain;
        if (!move_gain(search, move, target, &gain, error))
            return false;
        if (gain > least && gain / unit > best_score) {
            best_score = gain / unit;
            best = target;
        }
    }
    *ret_done = best_score <= 0;
    if (*ret_done)
        return true;
    search->chosen = best;
    search->chosen_bytes = set_bytes(search, best, bits_new(search->arena, search->candidates->count));
    return search_costs_refresh(search, false, error);
}

/* The objective's loss when one chosen index goes. */
static bool
removal_loss(Search *search, size_t number, Bits without, double *ret_loss, Error *error)
{
    const Workload *workload = search->context->workload;
    double loss = 0;
    Bits single = bits_new(search->arena, search->candidates->count);
    bits_add(single, number);
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed || !statement_concerned(search, q, single))
            continue;
        double cost;
        if (!oracle_cost(search->oracle, q, without, false, &cost, NULL, error))
            return false;
        loss += search_gain(search->context, &workload->statements[q], cost, search->cost[q]);
    }
    *ret_loss = loss;
    return true;
}

static bool
search_prune(Search *search, Error *error)
{
    double least = search->context->workload->weighted_cost * GAIN_SHARE_LEAST;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < search->candidates->count; i++) {
            if (!bits_has(search->chosen, i))
                continue;
            Bits without = bits_copy(search->arena, search->chosen);
            bits_remove(without, i);
            double loss;
            if (!removal_loss(search, i, without, &loss, error))
                return false;
            if (loss - search->candidates->items[i]->write_cost > least)
                continue;
            search->chosen = without;
            changed = true;
            if (!search_costs_refresh(search, false, error))
                return false;
        }
    }
    return true;
}

bool
index_search(Arena *arena, const AdvisorContext *context, const CandidateSet *candidates, Oracle *oracle,
             SearchResult *ret_result, Error *error)
{
    const Workload *workload = context->workload;
    Search search = {.arena = arena, .context = context, .candidates = candidates, .oracle = oracle};
    search.harvested = bits_new(arena, candidates->count);
    search.chosen = bits_new(arena, candidates->count);
    search.cost = ARENA_NEW_ARRAY(arena, double, workload->count + 1);
    for (size_t q = 0; q < workload->count; q++)
        search.cost[q] = workload->statements[q].baseline_cost;
    if (!search_harvest(&search, error))
        return false;
    for (size_t step = 0; step < candidates->count; step++) {
        bool done;
        search_progress(&search, "choosing indexes", step, 0);
        if (!search_step(&search, &done, error))
            return false;
        if (done || search_out_of_time(&search))
            break;
    }
    if (!search_prune(&search, error) || !search_costs_refresh(&search, true, error))
        return false;
    *ret_result = (SearchResult){.chosen = search.chosen,
                                 .harvested = search.harvested,
                                 .cost_after = search.cost,
                                 .is_stopped_early = search.is_stopped};
    return true;
}
