// SPDX-License-Identifier: PostgreSQL
/* Both programs against trying every set of indexes. */
#include "../memory_workload.h"
#include "program_case.h"

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
a_relaxed_program_is_a_bound_as_well(void **state)
{
    (void)state;
    Random random = random_new(85);
    int equal = 0;
    for (int round = 0; round < 100; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer relaxed;
        ProgramAnswer answer;
        assert_true(program_relax(arena, &subject->program, &relaxed));
        assert_true(program_bound(arena, &subject->program, &answer));
        assert_true(relaxed.bound > 0 && relaxed.bound <= answer.bound + TOLERANCE);
        equal += relaxed.bound > answer.bound - TOLERANCE;
    }
    /* it is a relaxation, and near */
    assert_in_range(equal, 10, 90);
}

static void
a_choice_below_a_cost_is_found_where_there_is_one_and_bounded_by_it_where_there_is_none(void **state)
{
    (void)state;
    Random random = random_new(86);
    for (int round = 0; round < 100; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        ProgramAnswer answer;
        double best = best_of_all(arena, subject, cost_by_chains);
        subject->program.below = best * 1.05;
        assert_true(program_bound(arena, &subject->program, &answer));
        assert_true(program_fits(&subject->program, answer.chosen));
        assert_true(cost_by_chains(subject, answer.chosen) < subject->program.below + TOLERANCE);
        assert_true(answer.bound <= best + TOLERANCE);
        subject->program.below = best * 0.99;
        assert_false(program_bound(arena, &subject->program, &answer));
        assert_true(answer.bound >= subject->program.below - program_rounding(&subject->program));
        assert_true(answer.bound <= best + TOLERANCE);
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
    assert_true(program_bytes(&subject->program, three, NULL) == 3e12);
    assert_true(program_bytes(&subject->program, three, subject->indexes[0].table) == 3e12);
    assert_true(program_bytes(&subject->program, three, subject) == 0);
    subject->indexes[1].size_bytes += 1;
    assert_false(program_fits(&subject->program, three));
}

static void
each_table_of_several_has_its_budget(void **state)
{
    (void)state;
    Random random = random_new(87);
    int fitting = 0;
    for (int round = 0; round < 200; round++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
        Case *subject = case_random(arena, &random);
        static const char tables[3];
        double bytes[3] = {0, 0, 0};
        uint64_t mask = mask_random(&random);
        subject->program.budget_bytes = INFINITY;
        subject->program.table_budget_bytes = 10;
        for (size_t i = 0; i < INDEXES; i++) {
            size_t table = random_below(&random, 3);
            double size = (double)(1 + random_below(&random, 8));
            subject->indexes[i] = (ProgramIndex){.size_bytes = size, .table = &tables[table]};
            bytes[table] += (mask >> i & 1) != 0 ? size : 0;
        }
        bool fits = bytes[0] <= 10 && bytes[1] <= 10 && bytes[2] <= 10;
        assert_int_equal(program_fits(&subject->program, set_of(arena, mask)), fits);
        fitting += fits;
    }
    assert_in_range(fitting, 20, 180);
}

/* One index spares the statement the first half of what another does; there is room for one. With 1/3 of the
 * first and 2/3 of the other, each chain by itself would allow 46.7. */
static void
a_relaxed_program_takes_the_dearest_chain_for_each_rise(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)64 << 20);
    static const int table;
    ProgramStep first = {.unless = set_of(arena, 1), .cost = 60};
    ProgramStep second = {.unless = set_of(arena, 2), .cost = 100};
    ProgramChain chains[] = {{.cost_least = 20, .steps = &first, .count = 1},
                             {.cost_least = 20, .steps = &second, .count = 1}};
    ProgramStatement statement = {.cost_without = 100, .cost_least = 20};
    for (size_t i = 0; i < FETTLE_COUNT_OF(chains); i++)
        vector_push(arena, &statement.chains, chains[i]);
    ProgramIndex indexes[3] = {{.size_bytes = 10, .table = &table},
                               {.size_bytes = 10, .table = &table},
                               {.size_bytes = 10, .table = &table, .is_forbidden = true}};
    Program program = {.indexes = indexes,
                       .index_count = 3,
                       .statements = &statement,
                       .statement_count = 1,
                       .budget_bytes = 10,
                       .table_budget_bytes = INFINITY,
                       .nodes_most = 1000,
                       .solver = solver,
                       .deadline = DEADLINE_NEVER};
    ProgramAnswer answer;
    assert_true(program_relax(arena, &program, &answer));
    assert_true(fabs(answer.bound - 60) < TOLERANCE);
    assert_false(program_may_choose(&program, set_of(arena, 6)));
    assert_true(program_may_choose(&program, set_of(arena, 3)));
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
    Bits all = set_of(arena, (UINT64_C(1) << INDEXES) - 1);
    assert_true(fabs(program_cost_of_having(&subject->program, all) - cost_of_having(subject, all)) < 1e-9);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_choice_is_the_best_of_all_sets),
        cmocka_unit_test(the_bound_is_what_the_chains_leave_to_the_best_set),
        cmocka_unit_test(a_relaxed_program_is_a_bound_as_well),
        cmocka_unit_test(
            a_choice_below_a_cost_is_found_where_there_is_one_and_bounded_by_it_where_there_is_none),
        cmocka_unit_test(a_budget_is_kept_to_the_byte),
        cmocka_unit_test(each_table_of_several_has_its_budget),
        cmocka_unit_test(a_relaxed_program_takes_the_dearest_chain_for_each_rise),
        cmocka_unit_test(a_program_without_statements_chooses_nothing),
    };
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)1 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *made = mip_solver_new(arena);
    solver = made;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
