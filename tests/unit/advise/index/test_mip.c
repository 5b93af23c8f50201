// SPDX-License-Identifier: PostgreSQL
/* The programs of mip.h: known answers, and how it ends when there is none or no time. */
#include "../../scratch.h"
#include "../memory_workload.h"

#include "advise/index/mip.h"
#include "advise/index/mip_wire.h"
#include "base/file.h"
#include "base/random.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ITEMS 12

static const MipLimits limits = {.nodes_most = 10000, .gap = 0, .deadline = DEADLINE_NEVER};

static void
a_knapsack_is_filled_as_well_as_trying_all_fillings_does(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    for (int variant = 0; variant < 5; variant++) {
        Mip *mip = mip_new(arena);
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
        assert_true(mip_solve(mip, solver, &limits, &solution));
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
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    Mip *mip = mip_new(arena);
    int column = mip_column(mip, 0, 1, 1, true);
    mip_row_term(mip, column, 1);
    mip_row_end(mip, MIP_EQUAL, 2);
    MipSolution solution;
    assert_false(mip_solve(mip, solver, &limits, &solution));
}

static void
a_program_without_whole_numbers_is_solved_too(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    Mip *mip = mip_new(arena);
    int column = mip_column(mip, 0, 10, 2, false);
    mip_row_term(mip, column, 2);
    mip_row_end(mip, MIP_AT_LEAST, 3);
    MipSolution solution;
    assert_true(mip_solve(mip, solver, &limits, &solution));
    assert_true(fabs(solution.objective - 3) < 1e-9 && fabs(solution.bound - 3) < 1e-9);
    assert_true(fabs(mip_value(mip, column) - 1.5) < 1e-9);
}

static void
a_solution_below_is_enough_and_below_is_the_bound_where_there_is_none(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    for (int is_there = 0; is_there < 2; is_there++) {
        Mip *mip = mip_new(arena);
        for (int i = 0; i < ITEMS; i++)
            mip_row_term(mip, mip_column(mip, 0, 1, 0.1 + 0.01 * i, true), 1);
        mip_row_end(mip, MIP_AT_LEAST, 3); /* the least is 0.33 */
        MipLimits below = limits;
        below.is_any_below = true;
        below.below = is_there == 1 ? 0.335 : 0.325;
        MipSolution solution;
        assert_int_equal(mip_solve(mip, solver, &below, &solution), is_there);
        if (is_there == 1)
            assert_true(solution.objective < 0.335 && solution.bound <= 0.33 + 1e-9);
        else
            assert_true(fabs(solution.bound - 0.325) < 1e-5 && solution.bound < 0.325);
    }
}

#define COVER_COLUMNS 300
#define COVER_ROWS 100
#define CUT_MS_LEAST 4
#define CUT_MS_MOST 50

/* Rows that a random half of the columns just covers; the cost of that half, which the least is no more than.
 */
static double
cover_random(Mip *mip)
{
    Random random = random_new(1000);
    int columns[COVER_COLUMNS];
    bool is_chosen[COVER_COLUMNS];
    double known = 0;
    for (int i = 0; i < COVER_COLUMNS; i++) {
        double cost = 0.01 * (double)(1 + random_below(&random, 100));
        is_chosen[i] = random_below(&random, 2) == 1;
        known += is_chosen[i] ? cost : 0;
        columns[i] = mip_column(mip, 0, 1, cost, true);
    }
    for (int r = 0; r < COVER_ROWS; r++) {
        double right = 0;
        for (int i = 0; i < COVER_COLUMNS; i++) {
            double weight = 0.01 * (double)random_below(&random, 100);
            right += is_chosen[i] ? weight : 0;
            mip_row_term(mip, columns[i], weight);
        }
        mip_row_end(mip, MIP_AT_LEAST, right);
    }
    return known;
}

/* CBC calls infeasible what it was stopped in before it branched. Where that is depends on the machine: of
 * many deadlines some are there. */
static void
a_program_that_the_clock_cuts_is_not_bounded_by_what_is_wanted(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    int unsolved = 0;
    for (int ms = CUT_MS_LEAST; ms <= CUT_MS_MOST; ms++) {
        FETTLE_CLEANUP(arena_free_at) Arena *own = arena_new("cover", (size_t)64 << 20);
        Mip *mip = mip_new(own);
        double known = cover_random(mip);
        MipLimits cut = {.nodes_most = 1000000,
                         .is_any_below = true,
                         .below = known + 0.001,
                         .deadline = deadline_after_ms(ms)};
        MipSolution solution;
        unsolved += !mip_solve(mip, solver, &cut, &solution);
        assert_true(solution.bound <= known + 1e-6);
    }
    assert_true(unsolved > 0);
}

static void
without_time_nothing_is_solved(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = mip_solver_new(arena);
    Mip *mip = mip_new(arena);
    (void)mip_column(mip, 0, 1, -1, true);
    MipLimits late = {.nodes_most = 10, .deadline = 1};
    MipSolution solution;
    assert_false(mip_solve(mip, solver, &late, &solution));
    assert_true(isinf(solution.bound) && solution.bound < 0);
}

/* x + y ≥ 1, x 0.3, y 0.5: x alone. */
static bool
solve_small(Arena *arena, MipSolver *solver, MipSolution *ret_solution)
{
    Mip *mip = mip_new(arena);
    int x = mip_column(mip, 0, 1, 0.3, true);
    int y = mip_column(mip, 0, 1, 0.5, true);
    mip_row_term(mip, x, 1);
    mip_row_term(mip, y, 1);
    mip_row_end(mip, MIP_AT_LEAST, 1);
    return mip_solve(mip, solver, &limits, ret_solution) && mip_value(mip, x) > 0.5 &&
           mip_value(mip, y) < 0.5;
}

/* A solver that is a script. */
static MipSolver *
solver_of(Arena *arena, const char *script)
{
    scratch_write("solver", script, strlen(script));
    assert_int_equal(chmod(scratch_path("solver"), 0700), 0);
    assert_int_equal(setenv("FETTLE_SOLVER", scratch_path("solver"), 1), 0);
    MipSolver *solver = mip_solver_new(arena);
    assert_int_equal(unsetenv("FETTLE_SOLVER"), 0);
    return solver;
}

static const char *
solver_program(Arena *arena)
{
    char own[PATH_MAX] = "";
    assert_true(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
    *strrchr(own, '/') = '\0';
    return path_join(arena, own, "../../../src/advise/fettle-solver");
}

static void
a_solver_that_is_killed_is_started_again(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    /* the first is killed with the question read in part, the next ones solve */
    const char *script = arena_printf(arena,
                                      "#!/bin/sh\nif [ ! -e '%s' ]; then touch '%s'; head -c 20 >/dev/null; "
                                      "kill -KILL $$; fi\nexec '%s'\n",
                                      scratch_path("died"), scratch_path("died"), solver_program(arena));
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, script);
    MipSolution solution;
    const char *reason;
    assert_true(solve_small(arena, solver, &solution));
    assert_true(fabs(solution.objective - 0.3) < 1e-9 && fabs(solution.bound - 0.3) < 1e-9);
    assert_int_equal(mip_solver_failures(solver, &reason), 0); /* the other try solved it */
    assert_null(reason);
    assert_true(solve_small(arena, solver, &solution));
    assert_int_equal(mip_solver_failures(solver, &reason), 0);
}

static void
a_solver_that_was_begun_is_there_for_the_first_program(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    const char *script = arena_printf(arena, "#!/bin/sh\necho >>'%s'\nexec '%s'\n", scratch_path("begun"),
                                      solver_program(arena));
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, script);
    Deadline deadline = deadline_after_ms(30000);
    mip_solver_begin(solver);
    while (!file_exists(scratch_path("begun")) && !deadline_passed(deadline))
        usleep(1000);
    MipSolution solution;
    const char *reason;
    assert_true(solve_small(arena, solver, &solution));
    assert_int_equal(mip_solver_failures(solver, &reason), 0);
    struct stat begun;
    assert_int_equal(stat(scratch_path("begun"), &begun), 0);
    assert_int_equal(begun.st_size, 1); /* it was started once */
}

static void
a_solver_that_cannot_begin_fails_with_the_first_program(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, "not a program\n");
    MipSolution solution;
    const char *reason;
    mip_solver_begin(solver);
    assert_int_equal(mip_solver_failures(solver, &reason), 0);
    assert_false(solve_small(arena, solver, &solution));
    assert_int_equal(mip_solver_failures(solver, &reason), 1);
    assert_non_null(reason);
}

static void
a_solver_that_always_dies_or_talks_nonsense_gives_no_solution_and_no_bound(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "#!/bin/sh\nkill -KILL $$\n",
        "#!/bin/sh\nexit 0\n",
        "#!/bin/sh\nhead -c 100000 /dev/zero\ncat >/dev/null\n",
        "#!/bin/sh\nhead -c 100000 /dev/urandom\ncat >/dev/null\n",
        /* the head is right, found, bounded, two columns; the values are beyond their bounds */
        "#!/bin/sh\nprintf '1PIM\\002\\000\\000\\000\\001\\000\\000\\000\\001\\000\\000\\000'\n"
        "head -c 16 /dev/zero\nhead -c 16 /dev/zero | tr '\\000' '@'\ncat >/dev/null\n",
        /* the same within their bounds, but the objective is another */
        "#!/bin/sh\nprintf '1PIM\\002\\000\\000\\000\\001\\000\\000\\000\\001\\000\\000\\000'\n"
        "head -c 16 /dev/zero | tr '\\000' '@'\nhead -c 16 /dev/zero\ncat >/dev/null\n",
        "not a program\n",
    };
    for (size_t i = 0; i < FETTLE_COUNT_OF(scripts); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
        FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, scripts[i]);
        MipSolution solution;
        const char *reason;
        assert_false(solve_small(arena, solver, &solution));
        assert_true(isinf(solution.bound) && solution.bound < 0);
        assert_int_equal(mip_solver_failures(solver, &reason), 1);
        assert_non_null(reason);
        assert_null(strstr(reason, "no program is tried any more"));
        for (int more = 0; more < 10; more++)
            assert_false(solve_small(arena, solver, &solution));
        /* whoever asks on and on does not start it on and on */
        assert_int_equal(mip_solver_failures(solver, &reason), 11);
        assert_non_null(strstr(reason, "no program is tried any more"));
    }
}

/* What CBC keeps to within its tolerances, scaled, is sound: so much off a bound was seen. */
static void
values_are_believed_within_the_solvers_tolerance(void **state)
{
    (void)state;
    static const struct {
        double x;
        double y;
        bool is_sound;
    } cases[] = {{1, 0, true},         {1 + 1.6e-5, 0, true}, {1 - 1.6e-5, 0, true},
                 {1, -1.6e-5, true},   {1, 1.6e-5, true},     {1 + 1e-3, 0, false},
                 {1 - 1e-3, 0, false}, {1, -1e-3, false},     {1, 1e-3, false}};
    for (size_t i = 0; i < FETTLE_COUNT_OF(cases); i++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
        struct {
            MipAnswer head;
            double values[2];
        } answer = {.head = {.magic = MIP_WIRE_MAGIC,
                             .column_count = 2,
                             .is_found = 1,
                             .objective = 0.3 * cases[i].x + 0.5 * cases[i].y},
                    .values = {cases[i].x, cases[i].y}};
        scratch_write("answer", (const char *)&answer, sizeof(answer));
        const char *script =
            arena_printf(arena, "#!/bin/sh\ncat '%s'\ncat >/dev/null\n", scratch_path("answer"));
        FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, script);
        MipSolution solution;
        const char *reason;
        assert_int_equal(solve_small(arena, solver, &solution), cases[i].is_sound);
        assert_int_equal(mip_solver_failures(solver, &reason), cases[i].is_sound ? 0 : 1);
    }
}

static void
a_solver_that_does_not_answer_is_killed_at_the_deadline(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", (size_t)16 << 20);
    FETTLE_CLEANUP(mip_solver_stop_at) MipSolver *solver = solver_of(arena, "#!/bin/sh\nexec sleep 3600\n");
    Mip *mip = mip_new(arena);
    (void)mip_column(mip, 0, 1, -1, true);
    MipLimits soon = {.nodes_most = 10, .deadline = deadline_after_ms(50)};
    MipSolution solution;
    const char *reason;
    assert_false(mip_solve(mip, solver, &soon, &solution));
    assert_true(isinf(solution.bound) && solution.bound < 0);
    /* that is no failure: the clock did it */
    assert_int_equal(mip_solver_failures(solver, &reason), 0);
    assert_null(reason);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_knapsack_is_filled_as_well_as_trying_all_fillings_does),
        cmocka_unit_test(what_cannot_be_solved_has_no_solution),
        cmocka_unit_test(a_program_without_whole_numbers_is_solved_too),
        cmocka_unit_test(a_solution_below_is_enough_and_below_is_the_bound_where_there_is_none),
        cmocka_unit_test(a_program_that_the_clock_cuts_is_not_bounded_by_what_is_wanted),
        cmocka_unit_test(without_time_nothing_is_solved),
        cmocka_unit_test_setup_teardown(a_solver_that_was_begun_is_there_for_the_first_program, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_solver_that_cannot_begin_fails_with_the_first_program, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_solver_that_is_killed_is_started_again, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(
            a_solver_that_always_dies_or_talks_nonsense_gives_no_solution_and_no_bound, scratch_make,
            scratch_remove),
        cmocka_unit_test_setup_teardown(values_are_believed_within_the_solvers_tolerance, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_solver_that_does_not_answer_is_killed_at_the_deadline, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
