// SPDX-License-Identifier: PostgreSQL
/*
 * Local search: one index more, one less, one for another. What is known of the planner rules most of these
 * moves out without a question.
 */
#include "advise/index/search_state.h"

#include <math.h>

#define PASSES_MOST 20

/* What is known of the best set at the beginning of a pass, so that a move looks at the statements it
 * concerns only. */
typedef struct LocalPass {
    Search *search;
    double *least; /* by statement: the least value it can have under the best set */
    double sum;    /* of least */
} LocalPass;

static double
least_of(const Search *search, size_t statement, Bits set)
{
    const WorkloadStatement *subject = &search->context->workload->statements[statement];
    if (!subject->is_costed)
        return 0;
    bool is_concerned = oracle_concerns(search->oracle, statement, set);
    return search_value(search->context, subject,
                        is_concerned ? oracle_bounds(search->oracle, statement, set).low
                                     : subject->baseline_cost);
}

static LocalPass
local_pass_begin(Search *search)
{
    size_t count = search->context->workload->count;
    LocalPass pass = {.search = search, .least = ARENA_NEW_ARRAY(search->arena, double, count + 1)};
    for (size_t q = 0; q < count; q++) {
        pass.least[q] = least_of(search, q, search->best);
        pass.sum += pass.least[q];
    }
    return pass;
}

/* No more than the value of a set that differs from the best in moved. */
static double
local_value_least(const LocalPass *pass, Bits set, Bits moved)
{
    const Search *search = pass->search;
    double value = pass->sum + search_cost_of_having(search, set);
    for (size_t q = 0; q < search->context->workload->count; q++)
        if (oracle_concerns(search->oracle, q, moved))
            value += least_of(search, q, set) - pass->least[q];
    return value;
}

/* Offers best ∪ {added} ∖ {removed} (SIZE_MAX: none), unless the bounds show that it cannot be better. */
static bool
local_try(const LocalPass *pass, size_t added, size_t removed, bool *ret_is_better, Error *error)
{
    Search *search = pass->search;
    ArenaMark mark = arena_mark(search->arena);
    Bits set = bits_copy(search->arena, search->best);
    Bits moved = bits_new(search->arena, search->candidates->count);
    *ret_is_better = false;
    if (added != SIZE_MAX) {
        bits_add(set, added);
        bits_add(moved, added);
    }
    if (removed != SIZE_MAX) {
        bits_remove(set, removed);
        bits_add(moved, removed);
    }
    if (!search_fits(search, set) ||
        local_value_least(pass, set, moved) >= search->best_value - SEARCH_TOLERANCE * search->best_value) {
        arena_rewind(search->arena, mark);
        return true;
    }
    SearchPatience all = {.value_most = search->best_value, .slack = 0};
    return search_offer(search, set, all, ret_is_better, error);
}

static bool
is_candidate(const Search *search, size_t number)
{
    return !bits_has(search->best, number) && !search->indexes[number].is_forbidden &&
           !isnan(search->indexes[number].size_bytes);
}

/* Where space is no limit, an index of another table makes room for nothing. */
static bool
is_exchange(const Search *search, size_t added, size_t removed)
{
    return isfinite(search->context->budget_bytes) ||
           search->candidates->items[added]->relation == search->candidates->items[removed]->relation;
}

/* One pass over all moves; ends at the first that is better. */
static bool
local_pass(Search *search, bool *ret_is_better, Error *error)
{
    size_t count = search->candidates->count;
    *ret_is_better = false;
    Bits chosen = bits_copy(search->arena, search->best);
    LocalPass pass = local_pass_begin(search);
    for (size_t removed = bits_next(chosen, 0); removed != SIZE_MAX && !search_out_of_time(search);
         removed = bits_next(chosen, removed + 1))
        if (!local_try(&pass, SIZE_MAX, removed, ret_is_better, error))
            return false;
        else if (*ret_is_better)
            return true;
    for (size_t added = 0; added < count && !search_out_of_time(search); added++) {
        if (!is_candidate(search, added))
            continue;
        if (!local_try(&pass, added, SIZE_MAX, ret_is_better, error))
            return false;
        for (size_t removed = bits_next(chosen, 0);
             removed != SIZE_MAX && !*ret_is_better && !search_out_of_time(search);
             removed = bits_next(chosen, removed + 1))
            if (is_exchange(search, added, removed) &&
                !local_try(&pass, added, removed, ret_is_better, error))
                return false;
        if (*ret_is_better)
            return true;
    }
    return true;
}

bool
search_locally(Search *search, Error *error)
{
    if (search->is_proven)
        return true;
    for (size_t pass = 0; pass < PASSES_MOST && !search_out_of_time(search); pass++) {
        search_progress(search, "exchanging indexes", pass, 0);
        bool is_better;
        if (!local_pass(search, &is_better, error))
            return false;
        if (!is_better)
            return true;
        if (!search_choose_again(search, error))
            return false;
    }
    return true;
}
