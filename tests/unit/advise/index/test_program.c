// SPDX-License-Identifier: PostgreSQL
/* Both programs against trying every set of indexes. */
#include "../memory_workload.h"

#include "advise/index/program.h"
#include "base/random.h"

#include <math.h>

#define INDEXES 7
#define STATEMENTS 4
#define TOLERANCE 1e-3

/* One for all, as a search has one. */
static MipSolver *solver;

typedef struct Case {
    ProgramIndex indexes[INDEXES];
    ProgramStatement statements[STATEMENTS];
    Program program;
} Case;

static Bits
set_of(Arena *arena, uint64_t mask)
{
    Bits bits = bits_new(arena, INDEXES);
    bits.words[0] = mask;
    return bits;
}

static uint64_t
mask_random(Random *random)
{
    return 1 + random_below(random, (UINT64_C(1) << INDEXES) - 1);
}

/* A row of sets that grow, each with a higher cost. */
static ProgramChain
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

static Case *
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
    }
    made->program = (Program){
        .indexes = made->indexes,
        .index_count = INDEXES,
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

static double
cost_of_having(const Case *subject, Bits set)
{
    double cost = 0;
    for (size_t i = bits_next(set, 0); i != SIZE_MAX; i = bits_next(set, i + 1))
        cost += subject->indexes[i].cost;
    return cost;
}

static double
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

static double
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
        cost += least;
    }
    return cost;
}

static double
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

static void
the_choice_is_the_best_of_all_sets(void **state)
{
    (void)state;
    Random random = random_new(81);
    for (int round = 0; round < 150; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer answer;
        assert_true(program_choose(arena, &subject->program, &answer));
        double best = best_of_all(arena, subject, cost_by_plans);
        assert_true(program_fits(&subject->program, answer.chosen));
        assert_true(fabs(answer.cost - best) < TOLERANCE);
        assert_true(fabs(cost_by_plans(subject, answer.chosen) - best) < TOLERANCE);
        assert_true(answer.bound <= best + TOLERANCE);
    }
}

static void
the_bound_is_what_the_chains_leave_to_the_best_set(void **state)
{
    (void)state;
    Random random = random_new(82);
    for (int round = 0; round < 150; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer answer;
        assert_true(program_bound(arena, &subject->program, &answer));
        double best = best_of_all(arena, subject, cost_by_chains);
        assert_true(program_fits(&subject->program, answer.chosen));
        assert_true(fabs(answer.bound - best) < TOLERANCE);
        assert_true(fabs(cost_by_chains(subject, answer.chosen) - best) < TOLERANCE);
    }
}

static void
a_budget_is_kept_to_the_byte(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Random random = random_new(83);
    Case *subject = case_random(arena, &random);
    subject->program.budget_bytes = 3e12;
    subject->program.table_budget_bytes = INFINITY;
    for (size_t i = 0; i < INDEXES; i++)
        subject->indexes[i] = (ProgramIndex){.size_bytes = 1e12};
    Bits three = set_of(arena, 7);
    assert_true(program_fits(&subject->program, three));
    subject->indexes[1].size_bytes += 1;
    assert_false(program_fits(&subject->program, three));
}

static void
a_program_without_statements_chooses_nothing(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    Random random = random_new(84);
    Case *subject = case_random(arena, &random);
    subject->program.statement_count = 0;
    ProgramAnswer answer;
    assert_true(program_choose(arena, &subject->program, &answer));
    assert_true(bits_is_empty(answer.chosen) && answer.cost == 0 && answer.bound == 0);
    assert_true(program_bound(arena, &subject->program, &answer));
    assert_true(bits_is_empty(answer.chosen));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice_is_the_best_of_all_sets),
        cmocka_unit_test(the_bound_is_what_the_chains_leave_to_the_best_set),
        cmocka_unit_test(a_budget_is_kept_to_the_byte),
        cmocka_unit_test(a_program_without_statements_chooses_nothing),
    };
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *made = mip_solver_new(arena);
    solver = made;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
