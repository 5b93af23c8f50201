// SPDX-License-Identifier: PostgreSQL
/*
 * The cheapest plan of a statement that the budgets allow.
 *
 * With everything present a statement's plan may use more than there is room for, and of less nothing is
 * known yet: the first choices leave it without an index, and where it is most of the workload's cost, round
 * after round of the proof finds out what little would do. So it is asked before, best first (Hart, Nilsson
 * and Raphael 1968): of the sets whose plans are known the cheapest is taken; where its plan does not fit,
 * any set that fits lacks one of the indexes that are too large together, and whatever is no smaller and does
 * the same in its place, and the sets without each of them are asked about. Less present costs no less, so
 * that the first plan that fits is the cheapest of those that do; but for ties, and for what an index tells
 * the planner of an expression (informing.h). Nothing rests on it: what is found is a choice to begin with.
 */
#include "advise/index/search_state.h"

/* Of the best set's value; what is less the proof finds in passing. */
#define OPEN_LEAST_SHARE 0.5
#define QUESTIONS_MOST 32
#define KNOWN_MOST 64

typedef struct Affordable {
    Bits present;
    Bits used;
    double cost;
    bool is_open; /* what follows from it was not asked yet */
} Affordable;

VECTOR_DEFINE(Affordables, Affordable);

/* What could be had of a statement under the best set, in the objective's unit. */
static double
open_of(const Search *search, size_t q)
{
    const WorkloadStatement *statement = &search->context->workload->statements[q];
    Bits relevant = oracle_relevant(search->oracle, q);
    double high = oracle_bounds(search->oracle, q, search->best).high;
    double low = oracle_bounds(search->oracle, q, relevant).low;
    return search_value(search->context, statement, high) - search_value(search->context, statement, low);
}

/* The statement that is most of the best set's value, if there is one that was not asked about. */
static size_t
dominant_statement(const Search *search, Bits asked)
{
    for (size_t q = 0; q < search->context->workload->count; q++)
        if (search->context->workload->statements[q].is_costed && !bits_has(asked, q) &&
            open_of(search, q) >= OPEN_LEAST_SHARE * search->best_value)
            return q;
    return SIZE_MAX;
}

static Affordable *
cheapest_open(const Affordables *known)
{
    Affordable *cheapest = NULL;
    for (size_t i = 0; i < known->count; i++)
        if (known->items[i].is_open && (cheapest == NULL || known->items[i].cost < cheapest->cost))
            cheapest = &known->items[i];
    return cheapest;
}

/* Of what does not fit the largest that do not fit together, and of those none that could be spared. */
static Bits
too_much(const Search *search, Bits used)
{
    Bits cover = bits_new(search->arena, search->candidates->count);
    while (search_fits(search, cover)) {
        size_t largest = SIZE_MAX;
        for (size_t u = bits_next(used, 0); u != SIZE_MAX; u = bits_next(used, u + 1))
            if (!bits_has(cover, u) &&
                (largest == SIZE_MAX || search->indexes[u].size_bytes > search->indexes[largest].size_bytes))
                largest = u;
        bits_add(cover, largest);
    }
    for (size_t u = bits_next(cover, 0); u != SIZE_MAX; u = bits_next(cover, u + 1)) {
        bits_remove(cover, u);
        if (search_fits(search, cover))
            bits_add(cover, u);
    }
    return cover;
}

static bool
is_known(const Affordables *known, Bits present)
{
    for (size_t i = 0; i < known->count; i++)
        if (bits_equal(known->items[i].present, present))
            return true;
    return false;
}

static bool
affordable_ask_one(Search *search, size_t statement, Bits present, Affordables *known, Error *error)
{
    Affordable one = {.present = present, .is_open = true};
    if (!oracle_cost(search->oracle, statement, present, false, &one.cost, &one.used, error))
        return false;
    vector_push(search->arena, known, one);
    return true;
}

/* Asks about the set without each of what is too much together. */
static bool
affordable_follow(Search *search, size_t statement, Affordable from, Affordables *known, Error *error)
{
    Bits cover = too_much(search, from.used);
    size_t count = 0;
    OracleQuestion *questions = ARENA_NEW_ARRAY(search->arena, OracleQuestion, bits_count(cover) + 1);
    for (size_t u = bits_next(cover, 0); u != SIZE_MAX; u = bits_next(cover, u + 1)) {
        Bits present = bits_copy(search->arena, from.present);
        oracle_remove(search->oracle, statement, u, present);
        if (!is_known(known, present))
            questions[count++] = (OracleQuestion){.statement = statement, .set = present};
    }
    search_expect(search, questions, count);
    for (size_t i = 0; i < count && !search_out_of_time(search); i++)
        if (!is_known(known, questions[i].set) &&
            !affordable_ask_one(search, statement, questions[i].set, known, error))
            return false;
    return true;
}

static bool
affordable_ask(Search *search, size_t statement, int64_t questions_most, Error *error)
{
    Affordables known = {0};
    if (!affordable_ask_one(search, statement, oracle_relevant(search->oracle, statement), &known, error))
        return false;
    for (Affordable *cheapest; (cheapest = cheapest_open(&known)) != NULL;) {
        if (search_fits(search, cheapest->used) || search_questions(search) >= questions_most ||
            known.count >= KNOWN_MOST || search_out_of_time(search))
            return true;
        cheapest->is_open = false;
        if (!affordable_follow(search, statement, *cheapest, &known, error))
            return false;
    }
    return true;
}

bool
search_afford(Search *search, Error *error)
{
    Bits asked = bits_new(search->arena, search->context->workload->count);
    int64_t questions_most = search_questions(search) + QUESTIONS_MOST;
    size_t q;
    while (!search_out_of_time(search) && search_questions(search) < questions_most &&
           (q = dominant_statement(search, asked)) != SIZE_MAX) {
        bits_add(asked, q);
        if (!affordable_ask(search, q, questions_most, error) || !search_choose_nearly(search, error))
            return false;
    }
    return true;
}
