// SPDX-License-Identifier: PostgreSQL
/*
 * The review: would the chosen set still be worth having if plans that hope for too much do not get it
 * (caution.h)?
 *
 * The set is valued anew with cautious costs. Then, for the index that most of the risk hangs on, remedies
 * are tried: the set without it; with an index beside it that serves the statement which suffers, so that the
 * planner is not tempted; the choice made again without it; and without all that begin as it does, for those
 * tempt alike: an index of another kind for the same statements, or none. What is cautiously best stays. When
 * time is up only the first is tried, by what is known already: nothing more is asked, a statement whose plan
 * was not looked at counts at the planner's word, and how many those are is told. The bound is not touched:
 * it holds for every set.
 */
#include "advise/index/caution.h"
#include "advise/index/search_state.h"

#include <math.h>

#define ROUNDS_MOST 12
/* Risk below this share of the workload's cost is none. */
#define RISK_SHARE_LEAST 1e-4

typedef struct Reviewed {
    Bits present; /* of the set, what concerns the statement; no words: not reviewed yet */
    Bits used;
    Bits tempting;    /* of those used, what the risk hangs on */
    Bits stopping;    /* of those tempting, what is not crossed in vain */
    double cost;      /* the planner's */
    double value;     /* in the objective's unit, with caution */
    double surcharge; /* of it, over what the planner said, as far as today's plan has none */
    bool is_late;     /* time was up: by the cheapest plan known, its risk perhaps not looked at */
} Reviewed;

VECTOR_DEFINE(ReviewedList, Reviewed);

struct Review {
    Search *search;
    Reviewed *statements; /* under the set valued last */
    ReviewedList *known;  /* by statement: under all sets so far, so that to come back to one asks nothing */
    Bits tried;           /* indexes that nothing better than keeping them was found for */
    double *risk;         /* by candidate, of the set valued last */
};

static const Reviewed *
review_known(const Review *review, size_t position, Bits present)
{
    const ReviewedList *known = &review->known[position];
    for (size_t i = 0; i < known->count; i++)
        if (bits_equal(known->items[i].present, present))
            return &known->items[i];
    return NULL;
}

/* The same plan was looked at under another set. */
static const Reviewed *
review_same_plan(const Review *review, size_t position, Bits used, double cost)
{
    const ReviewedList *known = &review->known[position];
    for (size_t i = 0; i < known->count; i++)
        if (known->items[i].cost == cost && bits_equal(known->items[i].used, used))
            return &known->items[i];
    return NULL;
}

/* With caution, without any index. */
static double
review_baseline(const Review *review, size_t position)
{
    const Workload *workload = review->search->context->workload;
    const WorkloadStatement *statement = &workload->statements[position];
    const CautionView view = {.is_generic = statement->is_generic};
    return cautious_value(workload, statement, statement->baseline_cost, statement->baseline_plan, &view)
        .priced;
}

/* The indexes that the plan stops reading along or crosses in vain; all that it uses when there are none, as
 * when it stops along an existing one that they make the planner hope for. */
static void
review_tempting(const Review *review, const PgPlan *plan, Reviewed *reviewed)
{
    const Search *search = review->search;
    Bits used = reviewed->used;
    Bits crossed = bits_new(search->arena, search->candidates->count);
    Bits tempting = bits_new(search->arena, search->candidates->count);
    for (size_t i = bits_next(used, 0); plan != NULL && i != SIZE_MAX; i = bits_next(used, i + 1)) {
        const char *name = search->candidates->items[i]->whatif_name;
        if (plan_stops_along(plan, name))
            bits_add(tempting, i);
        else if (plan_crosses_in_vain(plan, name))
            bits_add(crossed, i);
    }
    reviewed->stopping = bits_copy(search->arena, tempting);
    bits_join(tempting, crossed);
    reviewed->tempting = tempting;
    if (bits_is_empty(tempting))
        reviewed->tempting = reviewed->stopping = used;
}

/* The planner said what the statement costs under the set. */
static bool
review_recall(const Review *review, size_t position, Bits set, Reviewed *reviewed)
{
    const Oracle *oracle = review->search->oracle;
    FETTLE_CLEANUP(arena_free_at) Arena *scratch = arena_new("review of a plan", (size_t)1 << 24);
    OracleDescent descent = oracle_descent_begin(review->search->oracle, scratch, position, set);
    if (descent.known == ORACLE_NO_PARENT)
        return false;
    const OracleAnswer *answer = oracle_answer(oracle, position, descent.known);
    reviewed->cost = answer->cost;
    reviewed->used = answer->used;
    return true;
}

static bool
review_plan(Review *review, size_t position, Bits set, Reviewed *reviewed, Error *error)
{
    Search *search = review->search;
    const Workload *workload = search->context->workload;
    const WorkloadStatement *statement = &workload->statements[position];
    WhatIfAnswer answer = {0};
    if (!oracle_plan(search->oracle, position, set, &answer, &reviewed->used, error))
        return false;
    reviewed->cost = answer.is_known ? answer.cost : statement->baseline_cost;
    if (bits_is_empty(reviewed->used)) {
        reviewed->value = review_baseline(review, position);
        return true;
    }
    const CautionView view = {.is_generic = answer.is_generic, .candidates = search->candidates};
    reviewed->value = cautious_value(workload, statement, reviewed->cost, answer.plan, &view).priced;
    double today = review_baseline(review, position) - statement->weight * statement->baseline_cost;
    reviewed->surcharge = fmax(0, reviewed->value - statement->weight * reviewed->cost - today);
    review_tempting(review, answer.plan, reviewed);
    return true;
}

/* Instead of asking: the cheapest plan known that the set allows. */
static void
review_recall_below(const Review *review, size_t position, Bits set, Reviewed *reviewed)
{
    const Oracle *oracle = review->search->oracle;
    const OracleAnswer *answer = oracle_answer(oracle, position, oracle_answer_below(oracle, position, set));
    reviewed->cost = answer->cost;
    reviewed->used = answer->used;
    reviewed->is_late = true;
}

/* What of the set concerns a statement. */
static Bits
review_present(const Review *review, size_t position, Bits set)
{
    Bits present = bits_copy(review->search->arena, set);
    bits_keep(present, oracle_relevant(review->search->oracle, position));
    return present;
}

/* The plans that the set will be valued by, several at once. */
static void
review_expect(Review *review, Bits set)
{
    Search *search = review->search;
    size_t count = search->context->workload->count;
    OracleQuestion *questions = ARENA_NEW_ARRAY(search->arena, OracleQuestion, count + 1);
    size_t asked = 0;
    for (size_t q = 0; q < count; q++) {
        if (!search->context->workload->statements[q].is_costed)
            continue;
        Bits present = review_present(review, q, set);
        Reviewed reviewed = {.present = present};
        if (bits_is_empty(present) || review_known(review, q, present) != NULL ||
            (review_recall(review, q, set, &reviewed) &&
             (bits_is_empty(reviewed.used) ||
              review_same_plan(review, q, reviewed.used, reviewed.cost) != NULL)))
            continue;
        questions[asked++] = (OracleQuestion){.statement = q, .set = set, .with_plan = true};
    }
    search_expect(search, questions, asked);
}

/* A statement under a set: asked once for each part of a set that concerns it, its plan looked at once for
 * each set of indexes that it uses. */
static bool
review_statement(Review *review, size_t position, Bits set, Error *error)
{
    Search *search = review->search;
    const Workload *workload = search->context->workload;
    const WorkloadStatement *statement = &workload->statements[position];
    Bits present = review_present(review, position, set);
    const Reviewed *known = review_known(review, position, present);
    if (known != NULL) {
        review->statements[position] = *known;
        return true;
    }
    Reviewed reviewed = {.present = present,
                         .used = bits_new(search->arena, search->candidates->count),
                         .cost = statement->baseline_cost};
    bool is_known = bits_is_empty(present) || review_recall(review, position, set, &reviewed);
    if (!is_known && search_out_of_time(search)) {
        review_recall_below(review, position, set, &reviewed);
        is_known = true;
    }
    const Reviewed *same = is_known ? review_same_plan(review, position, reviewed.used, reviewed.cost) : NULL;
    if (same != NULL) {
        reviewed.value = same->value;
        reviewed.tempting = same->tempting;
        reviewed.stopping = same->stopping;
        reviewed.surcharge = same->surcharge;
    } else if (is_known && bits_is_empty(reviewed.used)) {
        reviewed.value = review_baseline(review, position);
    } else if (search_out_of_time(search)) {
        reviewed.value = statement->weight * reviewed.cost;
        reviewed.is_late = true;
    } else if (!review_plan(review, position, set, &reviewed, error)) {
        return false;
    }
    if (!reviewed.is_late)
        vector_push(search->arena, &review->known[position], reviewed);
    review->statements[position] = reviewed;
    return true;
}

/* The value of a set with cautious costs, and what of its risk hangs on each index. */
static bool
review_value(Review *review, Bits set, double *ret_value, Error *error)
{
    Search *search = review->search;
    const Workload *workload = search->context->workload;
    *ret_value = search_cost_of_having(search, set);
    oracle_relate(search->oracle, set, ORACLE_BESIDE);
    for (size_t i = 0; i < search->candidates->count; i++)
        review->risk[i] = 0;
    review_expect(review, set);
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed)
            continue;
        if (!review_statement(review, q, set, error))
            return false;
        const Reviewed *reviewed = &review->statements[q];
        *ret_value += reviewed->value;
        if (!(reviewed->surcharge > 0))
            continue;
        Bits tempting = reviewed->tempting;
        if (reviewed->stopping.words != NULL &&
            reviewed->surcharge > RISK_SHARE_LEAST * search->value_without)
            bits_join(search->risky, reviewed->stopping);
        for (size_t i = bits_next(tempting, 0); i != SIZE_MAX; i = bits_next(tempting, i + 1))
            review->risk[i] += reviewed->surcharge;
    }
    return true;
}

/* SIZE_MAX: none whose risk counts. */
static size_t
review_riskiest(const Review *review)
{
    const Search *search = review->search;
    size_t riskiest = SIZE_MAX;
    double most = RISK_SHARE_LEAST * search->value_without;
    for (size_t i = bits_next(search->best, 0); i != SIZE_MAX; i = bits_next(search->best, i + 1)) {
        if (bits_has(review->tried, i) || review->risk[i] <= most)
            continue;
        riskiest = i;
        most = review->risk[i];
    }
    return riskiest;
}

/* Those that begin as the index does give the planner the same order to read along. */
static Bits
review_alike(const Search *search, size_t index)
{
    Bits alike = bits_new(search->arena, search->candidates->count);
    for (size_t i = 0; i < search->candidates->count; i++)
        if (candidate_leads_alike(search->candidates->items[i], search->candidates->items[index]))
            bits_add(alike, i);
    return alike;
}

/* Makes a set the search's, with its value by the cheapest plans known; not one that is found over a budget.
 */
static bool
review_choice_set(Search *search, Bits set, Error *error)
{
    SearchEvaluation evaluation;
    if (!search_evaluate(search, set, search_patience(search), &evaluation, error))
        return false;
    if (!search_fits(search, set))
        return true;
    search->best = set;
    search->best_value = evaluation.value;
    return true;
}

/* From the search's set, and from what it may choose. */
static bool
review_take_out(Search *search, Bits forbidden, bool is_crossed, Error *error)
{
    search->avoided = bits_copy(search->arena, search->avoided);
    bits_join(search->avoided, forbidden);
    if (is_crossed) {
        search->crossed = bits_copy(search->arena, search->crossed);
        bits_join(search->crossed, forbidden);
    }
    search_indexes_refresh(search);
    Bits rest = bits_copy(search->arena, search->best);
    bits_subtract(rest, forbidden);
    return review_choice_set(search, rest, error);
}

/* Whether all risk that hangs on an index is of plans that cross it in vain. */
static bool
review_is_crossed(const Review *review, size_t index)
{
    for (size_t q = 0; q < review->search->context->workload->count; q++)
        if (review->statements[q].surcharge > 0 && bits_has(review->statements[q].stopping, index))
            return false;
    return true;
}

/* Of the statements whose risk hangs on an index, the one that it is greatest for; SIZE_MAX: none. */
static size_t
review_sufferer(const Review *review, size_t index)
{
    size_t sufferer = SIZE_MAX;
    double most = 0;
    for (size_t q = 0; q < review->search->context->workload->count; q++) {
        const Reviewed *reviewed = &review->statements[q];
        if (reviewed->surcharge <= most || !bits_has(reviewed->tempting, index))
            continue;
        sufferer = q;
        most = reviewed->surcharge;
    }
    return sufferer;
}

/* The set with what the statement that suffers most would use if nothing gave it the tempting order: beside
 * an index that serves it, the planner may leave the other one to those it was made for. */
static bool
review_choose_with(Review *review, size_t index, Error *error)
{
    Search *search = review->search;
    size_t sufferer = review_sufferer(review, index);
    if (sufferer == SIZE_MAX)
        return true;
    Bits offered = bits_copy(search->arena, oracle_relevant(search->oracle, sufferer));
    bits_subtract(offered, review_alike(search, index));
    for (size_t i = bits_next(offered, 0); i != SIZE_MAX; i = bits_next(offered, i + 1))
        if (search->indexes[i].is_forbidden)
            bits_remove(offered, i);
    double cost;
    Bits used;
    if (bits_is_empty(offered))
        return true;
    if (!oracle_cost(search->oracle, sufferer, offered, false, &cost, &used, error))
        return false;
    /* to ask about an index tells its size */
    search_indexes_refresh(search);
    Bits set = bits_copy(search->arena, search->best);
    bits_join(set, used);
    if (!search_fits(search, set))
        return true;
    return review_choice_set(search, set, error);
}

/* What the statements that use something forbidden would use instead of it. The plans known need not show
 * that: where the proof asks, it asks about sets that may be the best at the planner's word. */
static bool
review_ask_without(Review *review, Bits forbidden, Error *error)
{
    Search *search = review->search;
    for (size_t q = 0; q < search->context->workload->count && !search_out_of_time(search); q++) {
        if (review->statements[q].used.word_count == 0 || !bits_meet(review->statements[q].used, forbidden))
            continue;
        Bits offered = bits_copy(search->arena, oracle_relevant(search->oracle, q));
        for (size_t i = bits_next(offered, 0); i != SIZE_MAX; i = bits_next(offered, i + 1))
            if (search->indexes[i].is_forbidden)
                bits_remove(offered, i);
        double cost;
        Bits used;
        if (!bits_is_empty(offered) && !oracle_cost(search->oracle, q, offered, false, &cost, &used, error))
            return false;
    }
    search_indexes_refresh(search);
    return true;
}

/* Cheapest first. */
typedef enum Remedy { REMEDY_DROP, REMEDY_ADD, REMEDY_AVOID, REMEDY_AVOID_ALIKE, REMEDIES } Remedy;

/* What of the search a remedy changes. */
typedef struct Choice {
    Bits best;
    Bits avoided;
    Bits crossed;
    double best_value;
    double value; /* with caution */
} Choice;

static void
choice_take(Search *search, const Choice *choice)
{
    search->best = choice->best;
    search->avoided = choice->avoided;
    search->crossed = choice->crossed;
    search->best_value = choice->best_value;
    search_indexes_refresh(search);
}

/* The best without what is forbidden. Of a small workload the proof has asked about what refutes other sets,
 * and that may be no set without it: it is asked about, and searched locally. */
static bool
review_choose_without(Review *review, Bits forbidden, Error *error)
{
    Search *search = review->search;
    if (!review_ask_without(review, forbidden, error))
        return false;
    if (!search_is_small(search))
        return search_choose_again(search, error);
    bool was_asking = search->is_asking;
    bool was_proven = search->is_proven;
    search->is_asking = true;
    search->is_proven = false;
    bool done = search_choose_again(search, error) && search_locally(search, error);
    search->is_asking = was_asking;
    search->is_proven = was_proven;
    return done;
}

static bool
review_remedy(Review *review, Remedy remedy, size_t index, Error *error)
{
    Search *search = review->search;
    if (remedy == REMEDY_ADD)
        return review_choose_with(review, index, error);
    bool is_crossed = review_is_crossed(review, index);
    if (is_crossed && remedy == REMEDY_AVOID_ALIKE)
        return true; /* it is no order that tempts */
    Bits forbidden = bits_new(search->arena, search->candidates->count);
    bits_add(forbidden, index);
    if (remedy == REMEDY_AVOID_ALIKE)
        forbidden = review_alike(search, index);
    return review_take_out(search, forbidden, is_crossed, error) &&
           (remedy == REMEDY_DROP || review_choose_without(review, forbidden, error));
}

/* Tries what can be done about an index; the best of it becomes the search's choice. That the set is better
 * without it is found out however late it is. */
static bool
review_index(Review *review, size_t index, Choice *choice, bool *ret_is_better, Error *error)
{
    Search *search = review->search;
    const Choice before = *choice;
    for (Remedy remedy = 0; remedy < REMEDIES && (remedy == REMEDY_DROP || !search_out_of_time(search));
         remedy++) {
        choice_take(search, &before);
        double value;
        /* the statements' values are those of the set before */
        if (!review_value(review, before.best, &value, error) ||
            !review_remedy(review, remedy, index, error) ||
            !review_value(review, search->best, &value, error))
            return false;
        if (value < choice->value - SEARCH_TOLERANCE * search->best_value)
            *choice = (Choice){.best = search->best,
                               .avoided = search->avoided,
                               .crossed = search->crossed,
                               .best_value = search->best_value,
                               .value = value};
    }
    *ret_is_better = choice->value < before.value;
    choice_take(search, choice);
    return review_value(review, choice->best, &choice->value, error);
}

static size_t
review_late_count(const Review *review)
{
    size_t count = 0;
    for (size_t q = 0; q < review->search->context->workload->count; q++)
        count += review->statements[q].is_late;
    return count;
}

/* Those of the set whose risk counts, after the last round. */
static size_t
review_left_count(const Review *review)
{
    const Search *search = review->search;
    size_t count = 0;
    for (size_t i = bits_next(search->best, 0); i != SIZE_MAX; i = bits_next(search->best, i + 1))
        count += !bits_has(review->tried, i) && review->risk[i] > RISK_SHARE_LEAST * search->value_without;
    return count;
}

/* What no plan uses has no place in the set. */
static void
review_prune(const Review *review)
{
    Search *search = review->search;
    Bits used = bits_new(search->arena, search->candidates->count);
    for (size_t q = 0; q < search->context->workload->count; q++)
        if (review->statements[q].used.word_count > 0)
            bits_join(used, review->statements[q].used);
    Bits kept = bits_copy(search->arena, search->best);
    bits_keep(kept, used);
    search->best_value += search_cost_of_having(search, kept) - search_cost_of_having(search, search->best);
    search->best = kept;
}

/* One for the whole search: what was looked at once is known. */
static Review *
review_of(Search *search)
{
    Arena *arena = search->arena;
    size_t statements = search->context->workload->count;
    Review *review = search->review;
    if (review == NULL) {
        review = ARENA_NEW(arena, Review);
        *review = (Review){.search = search,
                           .statements = ARENA_NEW_ARRAY(arena, Reviewed, statements + 1),
                           .known = ARENA_NEW_ARRAY(arena, ReviewedList, statements + 1),
                           .risk = ARENA_NEW_ARRAY(arena, double, search->candidates->count + 1)};
        search->review = review;
    }
    review->tried = bits_new(arena, search->candidates->count);
    return review;
}

bool
search_review(Search *search, Error *error)
{
    Review *review = review_of(search);
    Bits chosen = search->best;
    Choice choice = {.best = search->best,
                     .avoided = search->avoided,
                     .crossed = search->crossed,
                     .best_value = search->best_value};
    if (!review_value(review, search->best, &choice.value, error))
        return false;
    size_t riskiest = review_riskiest(review);
    for (size_t round = 0; round < ROUNDS_MOST && riskiest != SIZE_MAX; round++) {
        search_progress(search, "reviewing risky plans", round, 0);
        bool is_better;
        if (!review_index(review, riskiest, &choice, &is_better, error))
            return false;
        if (!is_better)
            bits_add(review->tried, riskiest);
        riskiest = review_riskiest(review);
    }
    if (search->harvested.word_count > 0)
        bits_join(search->harvested, search->best);
    search->is_cautious = !bits_equal(search->best, chosen);
    search->unreviewed = review_late_count(review);
    search->unreviewed_indexes = review_left_count(review);
    review_prune(review);
    return true;
}

bool
search_review_value(Search *search, Bits set, SearchReviewed *ret_reviewed, Error *error)
{
    const Workload *workload = search->context->workload;
    Review *review = review_of(search);
    *ret_reviewed = (SearchReviewed){0};
    double cautious;
    if (!review_value(review, set, &cautious, error))
        return false;
    /* to ask about an index tells its size, and that what it must gain */
    double having = search_cost_of_having(search, set);
    search_indexes_refresh(search);
    ret_reviewed->value = search_cost_of_having(search, set);
    ret_reviewed->cautious = cautious + ret_reviewed->value - having;
    for (size_t q = 0; q < workload->count; q++)
        if (workload->statements[q].is_costed)
            ret_reviewed->value +=
                search_value(search->context, &workload->statements[q], review->statements[q].cost);
    ret_reviewed->is_late = review_late_count(review) > 0;
    return true;
}
