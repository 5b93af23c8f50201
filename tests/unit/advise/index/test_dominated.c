// SPDX-License-Identifier: PostgreSQL
/* Programs without their dominated indexes against trying every set of all. */
#include "../memory_workload.h"
#include "program_case.h"

#include "advise/index/dominated.h"

/* The program's own, for best_of_all() looks at those of the case. */
static double
best_without_dominated(Arena *arena, Case *subject, size_t **ret_instead, size_t *ret_left_out)
{
    Program without = program_undominated(arena, &subject->program, ret_instead);
    *ret_left_out = 0;
    double best = INFINITY;
    for (size_t i = 0; i < INDEXES; i++)
        *ret_left_out += without.indexes[i].is_forbidden && !subject->indexes[i].is_forbidden;
    for (uint64_t mask = 0; mask < UINT64_C(1) << INDEXES; mask++) {
        Bits set = set_of(arena, mask);
        if (program_fits(&without, set))
            best = fmin(best, cost_by_chains(subject, set));
    }
    return best;
}

static void
without_dominated_indexes_the_best_set_costs_the_same(void **state)
{
    (void)state;
    Random random = random_new(95);
    size_t left_out_sum = 0;
    for (int round = 0; round < 300; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        size_t *instead;
        size_t left_out;
        double best = best_without_dominated(arena, subject, &instead, &left_out);
        assert_true(fabs(best - best_of_all(arena, subject, cost_by_chains)) < 1e-9);
        left_out_sum += left_out;
    }
    /* of seven each */
    assert_in_range(left_out_sum, 100, 1500);
}

static void
what_only_ends_a_harm_is_left_and_what_makes_it_whole_stands_for_no_other(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    ProgramStep step = {.unless = set_of(arena, 0x03), .cost = 100};
    ProgramChain chain = {.cost_least = 10, .steps = &step, .count = 1};
    ProgramHarm harm = {.with = set_of(arena, 0x01), .unless = set_of(arena, 0x04), .cost = 80};
    ProgramStatement statement = {.cost_without = 100, .cost_least = 10};
    vector_push(arena, &statement.chains, chain);
    vector_push(arena, &statement.harms, harm);
    ProgramIndex indexes[4] = {{.size_bytes = 1}, {.size_bytes = 2}, {.size_bytes = 3}, {.size_bytes = 1}};
    Program program = {.indexes = indexes,
                       .index_count = 4,
                       .statements = &statement,
                       .statement_count = 1,
                       .budget_bytes = INFINITY,
                       .table_budget_bytes = INFINITY};
    size_t *instead;
    Program without = program_undominated(arena, &program, &instead);
    assert_true(!without.indexes[0].is_forbidden && !without.indexes[1].is_forbidden &&
                !without.indexes[2].is_forbidden);
    assert_true(without.indexes[3].is_forbidden);
}

static void
one_of_two_that_do_the_same_is_left_and_named(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    ProgramStep step = {.unless = set_of(arena, 0x07), .cost = 100};
    ProgramChain chain = {.cost_least = 10, .steps = &step, .count = 1};
    ProgramStatement statement = {.cost_without = 100, .cost_least = 10};
    vector_push(arena, &statement.chains, chain);
    ProgramIndex indexes[4] = {
        {.size_bytes = 2}, {.size_bytes = 1, .cost = 1}, {.size_bytes = 2, .cost = 1}, {.size_bytes = 1}};
    Program program = {.indexes = indexes,
                       .index_count = 4,
                       .statements = &statement,
                       .statement_count = 1,
                       .budget_bytes = INFINITY,
                       .table_budget_bytes = INFINITY};
    size_t *instead;
    Program without = program_undominated(arena, &program, &instead);
    /* the first is cheaper, the second smaller; the last ends nothing */
    assert_false(without.indexes[0].is_forbidden || without.indexes[1].is_forbidden);
    assert_true(without.indexes[2].is_forbidden && without.indexes[3].is_forbidden);
    assert_true(instead[0] == 0 && instead[1] == 1 && instead[2] == 1 && instead[3] == SIZE_MAX);
    /* of another table it is no stand-in where each table has a budget */
    indexes[2].table = &program;
    program.table_budget_bytes = 10;
    without = program_undominated(arena, &program, &instead);
    assert_false(without.indexes[2].is_forbidden);
    assert_true(instead[2] == 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_dominated_indexes_the_best_set_costs_the_same),
        cmocka_unit_test(what_only_ends_a_harm_is_left_and_what_makes_it_whole_stands_for_no_other),
        cmocka_unit_test(one_of_two_that_do_the_same_is_left_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
