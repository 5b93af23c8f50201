// SPDX-License-Identifier: PostgreSQL
/*
 * Harvest: the efficient plans of each statement.
 */
#include "advise/index/search_state.h"

#include <math.h>
#include <stdlib.h>

/* Of the time of the search. */
#define HARVEST_TIME_SHARE 0.6
/*
 * Questions per statement beyond "everything present". Of a small workload the proof asks all that matters
 * (TPC-H at 100 MB: 114 questions in all with none here, 126 with one); of a large one it comes to no end,
 * and what is chosen from must be known before.
 */
#define HARVEST_QUESTIONS_MOST 4
#define HARVEST_QUESTIONS_SMALL 0
#define HARVEST_QUEUE_MOST 512
/* Statements that are asked about together: between them the clock is looked at. */
#define HARVEST_AT_ONCE 16
#define HARVEST_AT_ONCE_SMALL 32

/* A question that may be asked. */
typedef struct HarvestQuestion {
    Bits present;
    double promise; /* cost of the answer it follows from: what is left is no cheaper */
    bool is_asked;
} HarvestQuestion;

VECTOR_DEFINE(HarvestQueue, HarvestQuestion);

typedef struct HarvestStatement {
    size_t statement;
    HarvestQueue queue;
    double gain; /* with everything present: all that there is to be had */
} HarvestStatement;

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
harvest_ask(Search *search, HarvestStatement *harvest, Bits present, Error *error)
{
    double cost;
    Bits used;
    if (!oracle_cost(search->oracle, harvest->statement, present, false, &cost, &used, error))
        return false;
    const WorkloadStatement *subject = &search->context->workload->statements[harvest->statement];
    double gain = search_gain(search->context, subject, subject->baseline_cost, cost);
    if (gain <= 0)
        return true;
    harvest->gain = fmax(harvest->gain, gain);
    bits_join(search->harvested, used);
    harvest_follow(search, &harvest->queue, present, used, cost);
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

/* One more question about each of some statements. */
static bool
harvest_step(Search *search, HarvestStatement *harvests, size_t count, Error *error)
{
    OracleQuestion questions[HARVEST_AT_ONCE];
    HarvestStatement *asked[HARVEST_AT_ONCE];
    size_t asked_count = 0;
    for (size_t i = 0; i < count; i++) {
        HarvestQuestion *next = harvest_next(search, harvests[i].statement, &harvests[i].queue);
        if (next == NULL)
            continue;
        next->is_asked = true;
        questions[asked_count] = (OracleQuestion){.statement = harvests[i].statement, .set = next->present};
        asked[asked_count++] = &harvests[i];
    }
    oracle_expect(search->oracle, questions, asked_count);
    for (size_t i = 0; i < asked_count; i++)
        if (!harvest_ask(search, asked[i], questions[i].set, error))
            return false;
    return true;
}

/* What follows from the answers with everything present. */
static bool
harvest_further(Search *search, HarvestStatement *harvests, size_t count, Error *error)
{
    int most = search_is_small(search) ? HARVEST_QUESTIONS_SMALL : HARVEST_QUESTIONS_MOST;
    for (int asked = 0; asked < most && !harvest_is_over(search); asked++)
        if (!harvest_step(search, harvests, count, error))
            return false;
    return true;
}

static bool
is_askable(const Search *search, size_t statement)
{
    return search->context->workload->statements[statement].is_costed &&
           !bits_is_empty(oracle_relevant(search->oracle, statement));
}

/* With everything present: what all that is thought of for the statement can gain together. */
static bool
harvest_first(Search *search, HarvestStatement *harvest, Error *error)
{
    if (!search_is_small(search) && !harvest_prepare(search, harvest->statement, error))
        return false;
    Bits relevant = oracle_relevant(search->oracle, harvest->statement);
    return bits_is_empty(relevant) || harvest_ask(search, harvest, relevant, error);
}

/* Where most is to be had first: when time runs out, it is the small gains that were not looked into. */
static int
harvest_compare(const void *left, const void *right)
{
    const HarvestStatement *a = left;
    const HarvestStatement *b = right;
    if (a->gain != b->gain)
        return a->gain < b->gain ? 1 : -1;
    return (a->statement > b->statement) - (a->statement < b->statement);
}

static size_t
at_once(size_t left, size_t most)
{
    return left < most ? left : most;
}

/* All candidates of the statements made, or asked about, several at once. */
static void
harvest_expect(Search *search, size_t first, size_t count, bool is_made)
{
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("statements to come", (size_t)64 << 20);
    OracleQuestion *questions = ARENA_NEW_ARRAY(scratch, OracleQuestion, count + 1);
    size_t asked = 0;
    for (size_t q = first; q < first + count; q++)
        if (is_askable(search, q))
            questions[asked++] = (OracleQuestion){
                .statement = q, .set = oracle_relevant(search->oracle, q), .is_made = is_made};
    oracle_expect(search->oracle, questions, asked);
}

/* Of a small workload each statement is asked about with everything that the proof will want present, so that
 * it need not ask again. */
static bool
harvest_relate(Search *search, Error *error)
{
    size_t count = search->context->workload->count;
    for (size_t q = 0; q < count && !harvest_is_over(search); q += HARVEST_AT_ONCE_SMALL)
        harvest_expect(search, q, at_once(count - q, HARVEST_AT_ONCE_SMALL), true);
    for (size_t q = 0; q < search->context->workload->count && !harvest_is_over(search); q++)
        if (is_askable(search, q) && !harvest_prepare(search, q, error))
            return false;
    search_relate(search);
    for (size_t q = 0; q < count && !harvest_is_over(search); q += HARVEST_AT_ONCE_SMALL)
        harvest_expect(search, q, at_once(count - q, HARVEST_AT_ONCE_SMALL), false);
    return true;
}

/* What is surely larger than the budget need not be made to know it. */
static void
harvest_leave_out(Search *search)
{
    for (size_t i = 0; i < search->candidates->count; i++) {
        Candidate *candidate = search->candidates->items[i];
        double least = isnan(candidate->size_bytes) ? oracle_size_least(search->oracle, candidate) : 0;
        if (!(least > search_size_most(search)))
            continue;
        candidate->size_bytes = least;
        for (size_t q = 0; q < search->context->workload->count; q++)
            oracle_relevant_remove(search->oracle, q, i);
    }
    search_indexes_refresh(search);
}

bool
search_harvest(Search *search, Error *error)
{
    size_t count = search->context->workload->count;
    Deadline deadline = search->deadline;
    search->harvest_deadline = DEADLINE_NEVER;
    if (deadline != DEADLINE_NEVER)
        search->harvest_deadline =
            deadline_after_ms((int64_t)(deadline_left_ms(deadline) * HARVEST_TIME_SHARE));
    HarvestStatement *harvests = ARENA_NEW_ARRAY(search->arena, HarvestStatement, count + 1);
    harvest_leave_out(search);
    if (search_is_small(search) && !harvest_relate(search, error))
        return false;
    for (size_t q = 0; q < count; q++) {
        search_progress(search, "asking the planner", q, 2 * count);
        harvests[q].statement = q;
        if (!search_is_small(search) && q % HARVEST_AT_ONCE == 0 && !harvest_is_over(search))
            harvest_expect(search, q, at_once(count - q, HARVEST_AT_ONCE), false);
        if (!harvest_is_over(search) && is_askable(search, q) && !harvest_first(search, &harvests[q], error))
            return false;
    }
    if (count > 1)
        qsort(harvests, count, sizeof(*harvests), harvest_compare);
    size_t gaining = 0;
    while (gaining < count && harvests[gaining].gain > 0)
        gaining++;
    for (size_t i = 0; i < gaining && !harvest_is_over(search); i += HARVEST_AT_ONCE) {
        search_progress(search, "asking the planner", count + i, 2 * count);
        if (!harvest_further(search, &harvests[i], at_once(gaining - i, HARVEST_AT_ONCE), error))
            return false;
    }
    oracle_relate(search->oracle, search->harvested, ORACLE_SERVES);
    return true;
}
