// SPDX-License-Identifier: PostgreSQL
/*
 * Harvest: the efficient plans of each statement.
 */
#include "advise/index/search_state.h"

#include <math.h>

/* Questions per statement beyond "everything present". What they miss, the search asks about when it matters:
 * on TPC-H twice as many did not make the set any better, and asked for twice as much. */
/* Of the time of the search. */
#define HARVEST_TIME_SHARE 0.6
#define HARVEST_QUESTIONS_MOST 4
#define HARVEST_QUEUE_MOST 512

/* A question that may be asked. */
typedef struct HarvestQuestion {
    Bits present;
    double promise; /* cost of the answer it follows from: what is left is no cheaper */
    bool is_asked;
} HarvestQuestion;

VECTOR_DEFINE(HarvestQueue, HarvestQuestion);

typedef enum HarvestRemoval {
    HARVEST_EQUAL_OR_LARGER, /* of the same table */
    HARVEST_TABLE,
    HARVEST_ONE,
    HARVEST_REMOVALS
} HarvestRemoval;

static bool
is_removed(HarvestRemoval removal, const Candidate *used, const Candidate *other)
{
    if (other == used)
        return true;
    if (removal == HARVEST_ONE || other->relation != used->relation)
        return false;
    return removal == HARVEST_TABLE || !(other->size_bytes < used->size_bytes);
}

static void
harvest_follow(const Search *search, HarvestQueue *queue, Bits asked, Bits used, double cost)
{
    for (int removal = 0; removal < HARVEST_REMOVALS; removal++)
        for (size_t u = bits_next(used, 0); u != SIZE_MAX; u = bits_next(used, u + 1)) {
            Bits present = bits_copy(search->arena, asked);
            for (size_t i = bits_next(present, 0); i != SIZE_MAX; i = bits_next(present, i + 1))
                if (is_removed((HarvestRemoval)removal, search->candidates->items[u],
                               search->candidates->items[i]))
                    bits_remove(present, i);
            HarvestQuestion question = {.present = present, .promise = cost};
            if (queue->count < HARVEST_QUEUE_MOST && !bits_is_empty(present))
                vector_push(search->arena, queue, question);
        }
}

/* The cheapest question whose answer is not known. */
static HarvestQuestion *
harvest_next(const Search *search, size_t statement, HarvestQueue *queue)
{
    HarvestQuestion *next = NULL;
    for (size_t i = 0; i < queue->count; i++) {
        HarvestQuestion *question = &queue->items[i];
        if (question->is_asked || (next != NULL && question->promise >= next->promise))
            continue;
        OracleBounds bounds = oracle_bounds(search->oracle, statement, question->present);
        question->is_asked = bounds.high <= bounds.low * (1 + ORACLE_TOLERANCE);
        if (!question->is_asked)
            next = question;
    }
    return next;
}

static bool
harvest_ask(Search *search, size_t statement, Bits present, HarvestQueue *queue, Error *error)
{
    double cost;
    Bits used;
    if (!oracle_cost(search->oracle, statement, present, false, &cost, &used, error))
        return false;
    const WorkloadStatement *subject = &search->context->workload->statements[statement];
    if (search_gain(search->context, subject, subject->baseline_cost, cost) <= 0)
        return true;
    bits_join(search->harvested, used);
    harvest_follow(search, queue, present, used, cost);
    return true;
}

/* Candidates that cannot be chosen at all would hide those that can. */
static bool
harvest_prepare(Search *search, size_t statement, Error *error)
{
    if (!oracle_make_relevant(search->oracle, statement, error))
        return false;
    search_indexes_refresh(search);
    Bits relevant = oracle_relevant(search->oracle, statement);
    for (size_t i = bits_next(relevant, 0); i != SIZE_MAX; i = bits_next(relevant, i + 1))
        if (search->indexes[i].is_forbidden)
            oracle_relevant_remove(search->oracle, statement, i);
    return true;
}

/* The rest of the time is for the choice: half a harvest that was chosen from is better than a whole one that
 * was not. */
static bool
harvest_is_over(Search *search)
{
    if (deadline_passed(search->harvest_deadline))
        search->is_harvest_cut = true;
    return search->is_harvest_cut;
}

static bool
harvest_statement(Search *search, size_t statement, Error *error)
{
    HarvestQueue queue = {0};
    if (!harvest_prepare(search, statement, error))
        return false;
    Bits relevant = oracle_relevant(search->oracle, statement);
    if (bits_is_empty(relevant))
        return true;
    if (!harvest_ask(search, statement, relevant, &queue, error))
        return false;
    for (int asked = 0; asked < HARVEST_QUESTIONS_MOST && !harvest_is_over(search); asked++) {
        HarvestQuestion *next = harvest_next(search, statement, &queue);
        if (next == NULL)
            return true;
        next->is_asked = true;
        if (!harvest_ask(search, statement, next->present, &queue, error))
            return false;
    }
    return true;
}

/* A harvested index may serve statements that it was not thought of for: its leading key stands in them. */
static bool
is_related(const Candidate *candidate, const SqlAnalysis *analysis)
{
    for (size_t u = 0; u < analysis->use_count; u++) {
        const SqlRelationUse *use = &analysis->uses[u];
        if (use->relation_id != candidate->relation->id)
            continue;
        if (use->needs_all_columns || candidate->keys[0].attnum == 0)
            return true;
        for (size_t i = 0; i < use->needed_column_count; i++)
            if (use->needed_columns[i] == candidate->keys[0].attnum)
                return true;
    }
    return false;
}

static void
harvest_relate(Search *search)
{
    const Workload *workload = search->context->workload;
    for (size_t q = 0; q < workload->count; q++) {
        if (!workload->statements[q].is_costed)
            continue;
        for (size_t i = bits_next(search->harvested, 0); i != SIZE_MAX;
             i = bits_next(search->harvested, i + 1))
            if (is_related(search->candidates->items[i], workload->statements[q].analysis))
                oracle_relevant_add(search->oracle, q, i);
    }
}

static bool
is_askable(const Search *search, size_t statement)
{
    return search->context->workload->statements[statement].is_costed &&
           !bits_is_empty(oracle_relevant(search->oracle, statement));
}

bool
search_harvest(Search *search, Error *error)
{
    size_t count = search->context->workload->count;
    Deadline deadline = search->context->deadline;
    search->harvest_deadline = DEADLINE_NEVER;
    if (deadline != DEADLINE_NEVER)
        search->harvest_deadline =
            deadline_after_ms((int64_t)(deadline_left_ms(deadline) * HARVEST_TIME_SHARE));
    for (size_t q = 0; q < count && !harvest_is_over(search); q++) {
        search_progress(search, "asking the planner", q, count);
        if (is_askable(search, q) && !harvest_statement(search, q, error))
            return false;
    }
    harvest_relate(search);
    return true;
}
