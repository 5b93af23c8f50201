// SPDX-License-Identifier: PostgreSQL
#include "advise/index/informing.h"

static bool
is_asked_of(const SqlAnalysis *analysis, const char *expression)
{
    for (size_t i = 0; i < analysis->predicate_count; i++)
        if (text_equals(analysis->predicates[i].expression, expression))
            return true;
    for (size_t i = 0; i < analysis->sort_count; i++)
        for (size_t k = 0; k < analysis->sorts[i].key_count; k++)
            if (text_equals(analysis->sorts[i].keys[k].expression, expression))
                return true;
    return false;
}

static bool
is_informing(const Candidate *candidate, const SqlAnalysis *analysis)
{
    for (size_t i = 0; i < candidate->key_count && candidate->predicate == NULL; i++)
        if (candidate->keys[i].expression != NULL && is_asked_of(analysis, candidate->keys[i].expression))
            return true;
    return false;
}

Bits
candidates_informing(Arena *arena, const CandidateSet *candidates, const SqlAnalysis *analysis)
{
    Bits informing = bits_new(arena, candidates->count);
    for (size_t i = 0; i < candidates->count; i++)
        if (is_informing(candidates->items[i], analysis))
            bits_add(informing, i);
    return informing;
}
