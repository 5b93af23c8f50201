// SPDX-License-Identifier: PostgreSQL
/*
 * The review: would the chosen set still be worth having if plans that hope to stop early do not (caution.h)?
 *
 * The set is valued anew with cautious costs. Then the index that most of the risk hangs on is forbidden and
 * the choice is made again without it: another index for the same statements, one that tempts the planner
 * less, or none. What is cautiously better stays. The bound is not touched: it holds for every set.
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
    double value;     /* in the objective's unit, with caution */
    double surcharge; /* of it, over what the planner said */
} Reviewed;

typedef struct Review {
    Search *search;
    Reviewed *statements;
    Bits tried;   /* indexes whose absence was tried */
    double *risk; /* by candidate, of the set valued last */
} Review;

/* A statement under a set, asked once for each part of a set that concerns it. */
static bool
review_statement(Review *review, size_t position, Bits set, Error *error)
{
    Search *search = review->search;
    const WorkloadStatement *statement = &search->context->workload->statements[position];
    Reviewed *reviewed = &review->statements[position];
    Bits present = bits_copy(search->arena, set);
    bits_keep(present, oracle_relevant(search->oracle, position));
    if (reviewed->present.word_count > 0 && bits_equal(reviewed->present, present))
        return true;
    const Workload *workload = search->context->workload;
    double baseline = cautious_value(workload, statement, statement->baseline_cost, statement->baseline_plan,
                                     statement->is_generic);
    *reviewed = (Reviewed){
        .present = present, .used = bits_new(search->arena, search->candidates->count), .value = baseline};
    if (bits_is_empty(present))
        return true;
    WhatIfAnswer answer = {0};
    Bits used;
    if (!oracle_plan(search->oracle, position, set, &answer, &used, error))
        return false;
    bits_join(reviewed->used, used);
    bits_keep(reviewed->used, present);
    if (bits_is_empty(reviewed->used))
        return true;
    double cost = answer.is_known ? answer.cost : statement->baseline_cost;
    reviewed->value = cautious_value(workload, statement, cost, answer.plan, answer.is_generic);
    reviewed->surcharge = reviewed->value - statement->weight * cost;
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
    for (size_t q = 0; q < workload->count; q++) {
        const WorkloadStatement *statement = &workload->statements[q];
        if (!statement->is_costed)
            continue;
        if (!review_statement(review, q, set, error))
            return false;
        const Reviewed *reviewed = &review->statements[q];
        *ret_value += reviewed->value;
        for (size_t i = bits_next(reviewed->used, 0); i != SIZE_MAX; i = bits_next(reviewed->used, i + 1))
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

/* The best set without an index, by the planner's own costs. */
static bool
review_choose_without(Search *search, size_t avoided, Error *error)
{
    bits_add(search->avoided, avoided);
    search_indexes_refresh(search);
    Bits rest = bits_copy(search->arena, search->best);
    bits_remove(rest, avoided);
    SearchEvaluation evaluation;
    if (!search_evaluate(search, rest, search_patience(search), &evaluation, error))
        return false;
    search->best = rest;
    search->best_value = evaluation.value;
    return search_choose(search, error);
}

bool
search_review(Search *search, Error *error)
{
    size_t count = search->candidates->count;
    Review review = {.search = search,
                     .statements =
                         ARENA_NEW_ARRAY(search->arena, Reviewed, search->context->workload->count + 1),
                     .tried = bits_new(search->arena, count),
                     .risk = ARENA_NEW_ARRAY(search->arena, double, count + 1)};
    double value;
    if (!review_value(&review, search->best, &value, error))
        return false;
    size_t riskiest = review_riskiest(&review);
    for (size_t round = 0; round < ROUNDS_MOST && riskiest != SIZE_MAX && !search_out_of_time(search);
         round++) {
        search_progress(search, "reviewing risky plans", round, 0);
        bits_add(review.tried, riskiest);
        Bits kept = search->best;
        double kept_value = search->best_value;
        double other;
        if (!review_choose_without(search, riskiest, error) ||
            !review_value(&review, search->best, &other, error))
            return false;
        if (other >= value - SEARCH_TOLERANCE * search->value_without) {
            bits_remove(search->avoided, riskiest);
            search_indexes_refresh(search);
            search->best = kept;
            search->best_value = kept_value;
            if (!review_value(&review, search->best, &other, error))
                return false;
        }
        value = fmin(value, other);
        riskiest = review_riskiest(&review);
    }
    return true;
}
