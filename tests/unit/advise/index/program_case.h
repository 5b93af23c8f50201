// SPDX-License-Identifier: PostgreSQL
/*
 * Small random programs (program.h) whose every set of indexes can be tried: for the tests of the programs
 * and of the guesses. A test that includes it sets solver first.
 */
#ifndef FETTLE_TESTS_PROGRAM_CASE_H
#define FETTLE_TESTS_PROGRAM_CASE_H

#include "advise/index/program.h"
#include "base/random.h"

#include <math.h>

#define INDEXES 7
#define STATEMENTS 4
#define SHARED 2
#define TOLERANCE 1e-3

/* One for all, as a search has one. */
static MipSolver *solver;

typedef struct Case {
    ProgramIndex indexes[INDEXES];
    ProgramStatement statements[STATEMENTS];
    ProgramShared shared[SHARED];
    Program program;
} Case;

static inline Bits
set_of(Arena *arena, uint64_t mask)
{
    Bits bits = bits_new(arena, INDEXES);
    bits.words[0] = mask;
    return bits;
}

static inline uint64_t
mask_random(Random *random)
{
    return 1 + random_below(random, (UINT64_C(1) << INDEXES) - 1);
}

/* A row of sets that grow, each with a higher cost. */
static inline ProgramChain
chain_random(Arena *arena, Random *random)
{
    ProgramChain chain = {.cost_least = 20, .count = 1 + random_below(random, 4)};
    chain.steps = arena_alloc_array(arena, chain.count, sizeof(ProgramStep));
    uint64_t mask = mask_random(random);
    double cost = chain.cost_least;
    for (size_t k = 0; k < chain.count; k++) {
        cost += (double)random_below(random, 200);
        chain.steps[k] = (ProgramStep){.unless = set_of(arena, mask), .cost = fmin(cost, 1000)};
        mask |= mask_random(random);
    }
    return chain;
}

static inline Case *
case_random(Arena *arena, Random *random)
{
    static const int tables[2];
    Case *made = ARENA_NEW(arena, Case);
    for (size_t i = 0; i < INDEXES; i++)
        made->indexes[i] = (ProgramIndex){.size_bytes = (double)(1 + random_below(random, 50)) * 8192,
                                          .cost = (double)random_below(random, 60),
                                          .table = &tables[i % 2],
                                          .is_forbidden = random_below(random, 10) == 0};
    for (size_t q = 0; q < STATEMENTS; q++) {
        ProgramStatement *statement = &made->statements[q];
        statement->cost_without = 1000;
        statement->cost_least = 20;
        for (uint64_t left = random_below(random, 6); left > 0; left--) {
            ProgramPlan plan = {.used = set_of(arena, mask_random(random) & mask_random(random)),
                                .cost = (double)(20 + random_below(random, 1000))};
            vector_push(arena, &statement->plans, plan);
        }
        for (uint64_t left = random_below(random, 4); left > 0; left--) {
            ProgramChain chain = chain_random(arena, random);
            vector_push(arena, &statement->chains, chain);
        }
        for (uint64_t left = random_below(random, 4) / 3; left > 0; left--) {
            uint64_t with = mask_random(random);
            ProgramHarm harm = {.with = set_of(arena, with),
                                .unless = set_of(arena, mask_random(random) & ~with),
                                .cost = (double)(20 + random_below(random, 980))};
            vector_push(arena, &statement->harms, harm);
        }
    }
    for (size_t i = 0; i < SHARED; i++)
        made->shared[i] = (ProgramShared){.any = set_of(arena, mask_random(random)),
                                          .cost = (double)random_below(random, 150)};
    made->program = (Program){
        .indexes = made->indexes,
        .index_count = INDEXES,
        .shared = made->shared,
        .shared_count = SHARED,
        .statements = made->statements,
        .statement_count = STATEMENTS,
        .budget_bytes = random_below(random, 3) == 0 ? INFINITY : (double)random_below(random, 120) * 8192,
        .table_budget_bytes =
            random_below(random, 3) == 0 ? (double)(1 + random_below(random, 80)) * 8192 : INFINITY,
        .nodes_most = 100000,
        .solver = solver,
        .deadline = DEADLINE_NEVER};
    return made;
}

static inline double
cost_of_having(const Case *subject, Bits set)
{
    double cost = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        cost += subject->indexes[i].cost;
    for (size_t i = 0; i < SHARED; i++)
        cost += bits_meet(subject->shared[i].any, set) ? subject->shared[i].cost : 0;
    return cost;
}

static inline double
cost_by_plans(const Case *subject, Bits set)
{
    double cost = cost_of_having(subject, set);
    for (size_t q = 0; q < STATEMENTS; q++) {
        double best = subject->statements[q].cost_without;
        for (size_t p = 0; p < subject->statements[q].plans.count; p++)
            if (bits_is_subset(subject->statements[q].plans.items[p].used, set))
                best = fmin(best, subject->statements[q].plans.items[p].cost);
        cost += best;
    }
    return cost;
}

static inline double
cost_by_chains(const Case *subject, Bits set)
{
    double cost = cost_of_having(subject, set);
    for (size_t q = 0; q < STATEMENTS; q++) {
        double least = subject->statements[q].cost_least;
        for (size_t c = 0; c < subject->statements[q].chains.count; c++) {
            const ProgramChain *chain = &subject->statements[q].chains.items[c];
            for (size_t k = 0; k < chain->count; k++)
                if (!bits_meet(chain->steps[k].unless, set))
                    least = fmax(least, chain->steps[k].cost);
        }
        for (size_t i = 0; i < subject->statements[q].harms.count; i++) {
            const ProgramHarm *harm = &subject->statements[q].harms.items[i];
            if (bits_is_subset(harm->with, set) && !bits_meet(harm->unless, set))
                least = fmax(least, harm->cost);
        }
        cost += least;
    }
    return cost;
}

static inline double
best_of_all(Arena *arena, const Case *subject, double (*cost)(const Case *, Bits))
{
    double best = INFINITY;
    for (uint64_t mask = 0; mask < UINT64_C(1) << INDEXES; mask++) {
        Bits set = set_of(arena, mask);
        if (program_fits(&subject->program, set))
            best = fmin(best, cost(subject, set));
    }
    return best;
}

#endif
