// SPDX-License-Identifier: PostgreSQL
#include "advise/index/dominated.h"

#include "base/map.h"

#include <math.h>
#include <stdlib.h>

/* Words that are compared at the most: a tenth of a second. */
#define WORK_MOST 1e8

typedef struct Ending {
    size_t number;
    double bytes;
    Bits steps; /* that it ends, each set of indexes once */
} Ending;

VECTOR_DEFINE(BitsList, Bits);

static void
steps_add(Arena *arena, Map *seen, Bits unless, BitsList *ret_sets)
{
    uint64_t hash = bits_hash(unless);
    if (map_get_id(seen, hash) != NULL)
        return;
    map_put_id(seen, hash, ret_sets);
    vector_push(arena, ret_sets, unless);
}

/* What ends a harm counts like what ends a step. */
static void
steps_collect(Arena *arena, const Program *program, BitsList *ret_sets)
{
    Map *seen = map_new(arena);
    for (size_t q = 0; q < program->statement_count; q++) {
        const ProgramStatement *statement = &program->statements[q];
        for (size_t c = 0; c < statement->chains.count; c++)
            for (size_t k = 0; k < statement->chains.items[c].count; k++)
                steps_add(arena, seen, statement->chains.items[c].steps[k].unless, ret_sets);
        for (size_t i = 0; i < statement->harms.count; i++)
            steps_add(arena, seen, statement->harms.items[i].unless, ret_sets);
    }
}

static int
ending_compare(const void *left, const void *right)
{
    const Ending *a = left;
    const Ending *b = right;
    if (a->bytes != b->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* What pays together with others pays so only in sets that have one of them. */
static bool
shares_no_more(const Program *program, size_t a, size_t b)
{
    for (size_t i = 0; i < program->shared_count; i++)
        if (program->shared[i].cost > 0 && bits_has(program->shared[i].any, a) &&
            !bits_has(program->shared[i].any, b))
            return false;
    return true;
}

/* In the other's place it makes no harm whole that was not. */
static bool
harms_no_more(const Program *program, size_t a, size_t b)
{
    for (size_t q = 0; q < program->statement_count; q++)
        for (size_t i = 0; i < program->statements[q].harms.count; i++) {
            const ProgramHarm *harm = &program->statements[q].harms.items[i];
            if (bits_has(harm->with, a) && !bits_has(harm->with, b))
                return false;
        }
    return true;
}

/* a is no larger. */
static bool
dominates(const Program *program, const Ending *a, const Ending *b)
{
    const ProgramIndex *index = &program->indexes[a->number];
    const ProgramIndex *other = &program->indexes[b->number];
    return index->cost <= other->cost &&
           (!isfinite(program->table_budget_bytes) || index->table == other->table) &&
           bits_is_subset(b->steps, a->steps) && shares_no_more(program, a->number, b->number) &&
           harms_no_more(program, a->number, b->number);
}

static size_t
endings_collect(Arena *arena, const Program *program, const BitsList *sets, Ending *ret_endings)
{
    size_t count = 0;
    for (size_t i = 0; i < program->index_count; i++) {
        if (program->indexes[i].is_forbidden)
            continue;
        double bytes = program->indexes[i].size_bytes;
        Ending ending = {
            .number = i, .bytes = isnan(bytes) ? 0 : bytes, .steps = bits_new(arena, sets->count)};
        for (size_t k = 0; k < sets->count; k++)
            if (bits_has(sets->items[k], i))
                bits_add(ending.steps, k);
        if (!bits_is_empty(ending.steps))
            ret_endings[count++] = ending;
    }
    if (count > 1)
        qsort(ret_endings, count, sizeof(*ret_endings), ending_compare);
    return count;
}

Program
program_undominated(Arena *arena, const Program *program, size_t **ret_instead)
{
    BitsList sets = {0};
    Program without = *program;
    size_t count = program->index_count;
    size_t *instead = ARENA_NEW_ARRAY(arena, size_t, count + 1);
    *ret_instead = instead;
    for (size_t i = 0; i < count; i++)
        instead[i] = i;
    steps_collect(arena, program, &sets);
    if ((double)count * (double)count * ((double)sets.count / 64 + 1) > WORK_MOST)
        return without;
    Ending *endings = ARENA_NEW_ARRAY(arena, Ending, count + 1);
    size_t ending_count = endings_collect(arena, program, &sets, endings);
    ProgramIndex *indexes =
        arena_memdup(arena, program->indexes, (count > 0 ? count : 1) * sizeof(*program->indexes));
    for (size_t i = 0; i < count; i++) {
        indexes[i].is_forbidden = true;
        instead[i] = SIZE_MAX;
    }
    size_t kept = 0; /* of endings, moved to the front */
    for (size_t k = 0; k < ending_count; k++) {
        size_t by = 0;
        while (by < kept && !dominates(program, &endings[by], &endings[k]))
            by++;
        instead[endings[k].number] = by < kept ? endings[by].number : endings[k].number;
        if (by < kept)
            continue;
        indexes[endings[k].number].is_forbidden = false;
        endings[kept++] = endings[k];
    }
    without.indexes = indexes;
    return without;
}
