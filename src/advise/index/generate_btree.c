// SPDX-License-Identifier: PostgreSQL
/*
 * B-tree keys: columns compared by equality (ordered so that the columns most of the workload uses come
 * first, then the more selective, so that statements share prefixes), then one range column or the columns of
 * ORDER BY, GROUP BY or DISTINCT; two range columns, of which the second chooses within the index; join
 * columns alone, together, before and after the equality columns, and both before a sort's, for the first
 * rows of each partner; members of an OR each alone, before and after the equality columns. A column of which
 * one value stands in much of the table leads no other equality or join column.
 */
#include "advise/index/generate_internal.h"

/* Bounds; BETWEEN has two. */
#define RANGES_MOST 6

static void
add(Generation *generation, const Candidate *idea, const CandidateKey *keys, size_t count)
{
    generation_add_keys(generation, idea, keys, count, NULL, 0);
}

static void
generate_equality(Generation *generation, const UseKeys *keys, const Candidate *idea)
{
    if (keys->equal_count > 1)
        add(generation, idea, keys->equal, keys->equal_count);
    for (size_t i = 0; i < keys->range_count; i++)
        generation_add_keys(generation, idea, keys->equal, keys->equal_count, &keys->range[i], 1);
    for (size_t i = 0; i < keys->equal_count; i++)
        if (key_stands_alone(keys, &keys->equal[i]))
            add(generation, idea, &keys->equal[i], 1);
    for (size_t i = 0; i < keys->range_count; i++)
        add(generation, idea, &keys->range[i], 1);
    for (size_t i = 0; i < keys->alone_count; i++)
        add(generation, idea, &keys->alone[i], 1);
    for (size_t i = 0; i < keys->equal_count; i++)
        for (size_t k = 0; k < keys->equal_count && keys->equal_count <= 4; k++)
            if (i != k && key_stands_alone(keys, &keys->equal[i]))
                generation_add_keys(generation, idea, &keys->equal[i], 1, &keys->equal[k], 1);
    for (size_t i = 0; i < keys->equal_count && keys->equal_count > 1; i++)
        for (size_t k = 0; k < keys->range_count; k++)
            generation_add_keys(generation, idea, &keys->equal[i], 1, &keys->range[k], 1);
}

/* Of two ranges the planner looks up the first one, and tests the second before it visits the table. */
static void
generate_ranges(Generation *generation, const UseKeys *keys, const Candidate *idea)
{
    for (size_t i = 0; i < keys->range_count && keys->range_count <= RANGES_MOST; i++)
        for (size_t k = 0; k < keys->range_count; k++) {
            const CandidateKey both[2] = {keys->range[i], keys->range[k]};
            if (both[0].attnum != both[1].attnum)
                generation_add_keys(generation, idea, keys->equal, keys->equal_count, both, 2);
        }
}

/* What else is asked of the rows narrows each member of an OR. */
static void
generate_alone(Generation *generation, const UseKeys *keys, const Candidate *idea)
{
    for (size_t i = 0; i < keys->alone_count && keys->equal_count > 0; i++) {
        generation_add_keys(generation, idea, &keys->alone[i], 1, keys->equal, keys->equal_count);
        if (key_stands_alone(keys, &keys->equal[0]))
            generation_add_keys(generation, idea, keys->equal, keys->equal_count, &keys->alone[i], 1);
    }
}

static void
generate_joins(Generation *generation, const UseKeys *keys, const Candidate *idea)
{
    for (size_t i = 0; i < keys->join_count; i++) {
        const CandidateKey *join = &keys->join[i];
        add(generation, idea, join, 1);
        if (keys->equal_count > 0 && key_stands_alone(keys, &keys->equal[0]))
            generation_add_keys(generation, idea, keys->equal, keys->equal_count, join, 1);
        generation_add_keys(generation, idea, join, 1, keys->equal, keys->equal_count);
        for (size_t k = 0; k < keys->range_count; k++) {
            CandidateKey range[2] = {*join, keys->range[k]};
            add(generation, idea, range, 2);
            generation_add_keys(generation, idea, keys->equal, keys->equal_count, range, 2);
            CandidateKey filtered[USE_KEYS_MOST + 1] = {*join};
            for (size_t e = 0; e < keys->equal_count; e++)
                filtered[e + 1] = keys->equal[e];
            generation_add_keys(generation, idea, filtered, keys->equal_count + 1, &keys->range[k], 1);
        }
    }
    if (keys->join_count > 1)
        add(generation, idea, keys->join, keys->join_count);
    for (size_t i = 0; i < keys->join_count && keys->join_count <= 3; i++)
        for (size_t k = 0; k < keys->join_count; k++)
            if (i != k)
                generation_add_keys(generation, idea, &keys->join[i], 1, &keys->join[k], 1);
}

/* The first rows of each partner: LATERAL (... WHERE b.a_id = a.id AND b.kind = 1 ORDER BY b.at LIMIT 1). */
static void
generate_sorted_partners(Generation *generation, const UseKeys *keys, const Candidate *idea,
                         const CandidateKey *sorted, size_t count)
{
    CandidateKey partner[2 * USE_KEYS_MOST];
    for (size_t i = 0; i < keys->equal_count; i++)
        partner[i] = keys->equal[i];
    for (size_t i = 0; i < keys->join_count; i++)
        partner[keys->equal_count + i] = keys->join[i];
    generation_add_keys(generation, idea, partner, keys->equal_count + keys->join_count, sorted, count);
    for (size_t i = 0; i < keys->join_count; i++)
        partner[i] = keys->join[i];
    for (size_t i = 0; i < keys->equal_count; i++)
        partner[keys->join_count + i] = keys->equal[i];
    generation_add_keys(generation, idea, partner, keys->equal_count + keys->join_count, sorted, count);
}

static void
generate_sorts(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys,
               const Candidate *idea)
{
    for (size_t i = 0; i < analysis->sort_count; i++) {
        CandidateKey sorted[USE_KEYS_MOST];
        size_t count = sort_keys_of_use(generation, &analysis->sorts[i], keys, sorted);
        if (count == 0)
            continue;
        generation_add_keys(generation, idea, keys->equal, keys->equal_count, sorted, count);
        add(generation, idea, sorted, count);
        for (size_t k = 0; k < keys->equal_count; k++)
            generation_add_keys(generation, idea, &keys->equal[k], 1, sorted, count);
        for (size_t k = 0; k < keys->join_count; k++)
            generation_add_keys(generation, idea, &keys->join[k], 1, sorted, count);
        if (analysis->sorts[i].has_limit && keys->join_count > 0 && keys->join_count + keys->equal_count > 1)
            generate_sorted_partners(generation, keys, idea, sorted, count);
    }
}

void
generate_btree(Generation *generation, const SqlAnalysis *analysis, const UseKeys *keys,
               const Candidate *idea)
{
    generate_equality(generation, keys, idea);
    generate_ranges(generation, keys, idea);
    generate_alone(generation, keys, idea);
    generate_joins(generation, keys, idea);
    generate_sorts(generation, analysis, keys, idea);
}
