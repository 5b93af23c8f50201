// SPDX-License-Identifier: PostgreSQL
/*
 * Local search: one index more, one less, one for another. What is known of the planner rules most of these
 * moves out without a question.
 */
#include "advise/index/search_state.h"

#include <math.h>

#define PASSES_MOST 20

/* Offers best ∪ {added} ∖ {removed} (SIZE_MAX: none), unless the bounds show that it cannot be better. */
static bool
local_try(Search *search, size_t added, size_t removed, bool *ret_is_better, Error *error)
{
    ArenaMark mark = arena_mark(search->arena);
    Bits set = bits_copy(search->arena, search->best);
    *ret_is_better = false;
    if (added != SIZE_MAX)
        bits_add(set, added);
    if (removed != SIZE_MAX)
        bits_remove(set, removed);
    if (!search_fits(search, set) ||
        search_value_least(search, set) >= search->best_value - SEARCH_TOLERANCE * search->value_without) {
        arena_rewind(search->arena, mark);
        return true;
    }
    return search_offer(search, set, ret_is_better, error);
}

static bool
is_candidate(const Search *search, size_t number)
{
    return !bits_has(search->best, number) && !search->indexes[number].is_forbidden &&
           !isnan(search->indexes[number].size_bytes);
}

static bool
local_drops(Search *search, bool *ret_is_better, Error *error)
{
    Bits chosen = bits_copy(search->arena, search->best);
    for (size_t removed = bits_next(chosen, 0); removed != SIZE_MAX;
         removed = bits_next(chosen, removed + 1)) {
        bool is_better = false;
        if (bits_has(search->best, removed) && !local_try(search, SIZE_MAX, removed, &is_better, error))
            return false;
        *ret_is_better = *ret_is_better || is_better;
    }
    return true;
}

/* The index as one more, else in the place of one of those chosen. */
static bool
local_add(Search *search, size_t added, bool *ret_is_better, Error *error)
{
    if (!local_try(search, added, SIZE_MAX, ret_is_better, error))
        return false;
    Bits chosen = bits_copy(search->arena, search->best);
    for (size_t removed = bits_next(chosen, 0); removed != SIZE_MAX && !*ret_is_better;
         removed = bits_next(chosen, removed + 1))
        if (!local_try(search, added, removed, ret_is_better, error))
            return false;
    return true;
}

/* One pass over all moves, from the best as it is by then. */
static bool
local_pass(Search *search, bool *ret_is_better, Error *error)
{
    *ret_is_better = false;
    if (!local_drops(search, ret_is_better, error))
        return false;
    for (size_t added = 0; added < search->candidates->count && !search_out_of_time(search); added++) {
        bool is_better = false;
        if (is_candidate(search, added) && !local_add(search, added, &is_better, error))
            return false;
        *ret_is_better = *ret_is_better || is_better;
    }
    return true;
}

bool
search_locally(Search *search, Error *error)
{
    for (size_t pass = 0; pass < PASSES_MOST && !search_out_of_time(search); pass++) {
        search_progress(search, "exchanging indexes", pass, 0);
        bool is_better;
        if (!local_pass(search, &is_better, error))
            return false;
        if (!is_better)
            return true;
        if (!search_choose(search, error))
            return false;
    }
    return true;
}
