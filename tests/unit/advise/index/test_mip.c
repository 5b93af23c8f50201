// SPDX-License-Identifier: PostgreSQL
/* The programs of mip.h: known answers, and how it ends when there is none or no time. */
#include "../memory_workload.h"

#include "advise/index/mip.h"

#include <math.h>
#include <signal.h>

#define ITEMS 12

static const MipLimits limits = {.nodes_most = 10000, .gap = 0, .deadline = DEADLINE_NEVER};

static void
a_knapsack_is_filled_as_well_as_trying_all_fillings_does(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    for (int variant = 0; variant < 5; variant++) {
        FETTLE_CLEANUP(mip_free_at) Mip *mip = mip_new(arena);
        double value[ITEMS], weight[ITEMS];
        int columns[ITEMS];
        for (int i = 0; i < ITEMS; i++) {
            value[i] = 1 + (i * 7 + variant * 3) % 11;
            weight[i] = 1 + (i * 5 + variant) % 13;
            columns[i] = mip_column(mip, 0, 1, -value[i] / 100, true);
        }
        for (int i = 0; i < ITEMS; i++)
            mip_row_term(mip, columns[i], weight[i] / 20);
        mip_row_end(mip, MIP_AT_MOST, 1);
        double best = 0;
        for (uint32_t set = 0; set < 1u << ITEMS; set++) {
            double sum = 0, load = 0;
            for (int i = 0; i < ITEMS; i++) {
                sum += (set >> i & 1) != 0 ? value[i] : 0;
                load += (set >> i & 1) != 0 ? weight[i] : 0;
            }
            best = load <= 20 ? fmax(best, sum) : best;
        }
        MipSolution solution;
        assert_true(mip_solve(mip, &limits, &solution));
        assert_true(fabs(solution.objective + best / 100) < 1e-9 && solution.bound <= solution.objective);
        double sum = 0;
        for (int i = 0; i < ITEMS; i++)
            sum += mip_value(mip, columns[i]) * value[i];
        assert_true(fabs(sum - best) < 1e-6);
        assert_int_equal(mip_column_count(mip), ITEMS);
    }
}

static void
what_cannot_be_solved_has_no_solution(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_free_at) Mip *mip = mip_new(arena);
    int column = mip_column(mip, 0, 1, 1, true);
    mip_row_term(mip, column, 1);
    mip_row_end(mip, MIP_EQUAL, 2);
    MipSolution solution;
    assert_false(mip_solve(mip, &limits, &solution));
}

static void
a_program_without_whole_numbers_is_solved_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_free_at) Mip *mip = mip_new(arena);
    int column = mip_column(mip, 0, 10, 2, false);
    mip_row_term(mip, column, 2);
    mip_row_end(mip, MIP_AT_LEAST, 3);
    MipSolution solution;
    assert_true(mip_solve(mip, &limits, &solution));
    assert_true(fabs(solution.objective - 3) < 1e-9 && fabs(solution.bound - 3) < 1e-9);
    assert_true(fabs(mip_value(mip, column) - 1.5) < 1e-9);
}

static void
without_time_nothing_is_solved(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_free_at) Mip *mip = mip_new(arena);
    (void)mip_column(mip, 0, 1, -1, true);
    MipLimits late = {.nodes_most = 10, .deadline = 1};
    MipSolution solution;
    assert_false(mip_solve(mip, &late, &solution));
    assert_true(isinf(solution.bound) && solution.bound < 0);
}

static void
solving_leaves_the_interrupt_as_it_was(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_free_at) Mip *mip = mip_new(arena);
    (void)mip_column(mip, 0, 1, -1, true);
    struct sigaction before, after;
    sigset_t mask_before, mask_after;
    MipSolution solution;
    assert_int_equal(sigaction(SIGINT, NULL, &before), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mask_before), 0);
    assert_true(mip_solve(mip, &limits, &solution));
    assert_true(solution.objective == -1);
    assert_int_equal(sigaction(SIGINT, NULL, &after), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &mask_after), 0);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
    assert_int_equal(sigismember(&mask_before, SIGINT), sigismember(&mask_after, SIGINT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_knapsack_is_filled_as_well_as_trying_all_fillings_does),
        cmocka_unit_test(what_cannot_be_solved_has_no_solution),
        cmocka_unit_test(a_program_without_whole_numbers_is_solved_too),
        cmocka_unit_test(without_time_nothing_is_solved),
        cmocka_unit_test(solving_leaves_the_interrupt_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
