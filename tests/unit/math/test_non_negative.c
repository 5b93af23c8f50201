// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/non_negative.h"

#include <math.h>

#define ROWS ((size_t)40)
#define COLUMNS_MOST ((size_t)12)

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

static void
a_plane_of_two_columns_is_solved_as_by_hand(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    double weights[2];
    /* A = [1 0; 1 1], A'A = [2 1; 1 1]: b = (3, 5) is met by w = (3, 2) */
    const double products[] = {2, 1, 1, 1};
    non_negative_solve(arena, products, (const double[]){8, 5}, 2, weights);
    assert_near(weights[0], 3, 1e-12);
    assert_near(weights[1], 2, 1e-12);
    /* b = (3, 1) would want w = (3, -2): without the second, w = A'b / 2 = 4 / 2 */
    non_negative_solve(arena, products, (const double[]){4, 1}, 2, weights);
    assert_near(weights[0], 2, 1e-12);
    assert_near(weights[1], 0, 0);
    non_negative_solve(arena, products, (const double[]){-1, -1}, 2, weights);
    assert_near(weights[0] + weights[1], 0, 0);
    arena_free(arena);
}

/* Products of random columns, of which some are near each other, with a random aim. */
static void
problem_fill(Random *random, size_t count, double *products, double *target)
{
    double columns[COLUMNS_MOST][ROWS];
    double aim[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        aim[r] = random_unit(random) - 0.3;
        for (size_t c = 0; c < count; c++)
            columns[c][r] = random_unit(random) - 0.5 + (c > 0 ? 0.7 * columns[c - 1][r] : 0);
    }
    for (size_t i = 0; i < count; i++) {
        target[i] = 0;
        for (size_t r = 0; r < ROWS; r++)
            target[i] += columns[i][r] * aim[r];
        for (size_t j = 0; j < count; j++) {
            products[i * count + j] = 0;
            for (size_t r = 0; r < ROWS; r++)
                products[i * count + j] += columns[i][r] * columns[j][r];
        }
    }
}

/* Half the squares less a constant. */
static double
squares_of(const double *products, const double *target, const double *weights, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum -= weights[i] * target[i];
        for (size_t j = 0; j < count; j++)
            sum += weights[i] * products[i * count + j] * weights[j] / 2;
    }
    return sum;
}

static void
random_problems_meet_the_conditions_of_karush_kuhn_and_tucker(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 64 << 20);
    Random random = random_new(11);
    size_t zeros = 0;
    for (int trial = 0; trial < 500; trial++) {
        size_t count = 1 + (size_t)random_below(&random, COLUMNS_MOST);
        double products[COLUMNS_MOST * COLUMNS_MOST];
        double target[COLUMNS_MOST];
        double weights[COLUMNS_MOST];
        problem_fill(&random, count, products, target);
        non_negative_solve(arena, products, target, count, weights);
        for (size_t i = 0; i < count; i++) {
            double slope = target[i];
            for (size_t j = 0; j < count; j++)
                slope -= products[i * count + j] * weights[j];
            assert_true(weights[i] >= 0);
            assert_true(weights[i] > 0 ? fabs(slope) < 1e-8 : slope < 1e-8);
            zeros += weights[i] == 0;
        }
    }
    assert_true(zeros > 500); /* the bound was met */
    arena_free(arena);
}

static void
a_mixture_adds_up_to_one_and_no_other_is_nearer(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 64 << 20);
    Random random = random_new(12);
    for (int trial = 0; trial < 200; trial++) {
        size_t count = 1 + (size_t)random_below(&random, COLUMNS_MOST);
        double products[COLUMNS_MOST * COLUMNS_MOST];
        double target[COLUMNS_MOST];
        double weights[COLUMNS_MOST];
        problem_fill(&random, count, products, target);
        non_negative_solve_mixture(arena, products, target, count, weights);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            assert_true(weights[i] >= 0);
            sum += weights[i];
        }
        assert_near(sum, 1, 1e-12);
        double best = squares_of(products, target, weights, count);
        /* moving a little weight from one to another never helps by more than the pull allows */
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++) {
                double step = fmin(weights[i], 0.05);
                weights[i] -= step;
                weights[j] += step;
                assert_true(squares_of(products, target, weights, count) >= best - 0.01);
                weights[i] += step;
                weights[j] -= step;
            }
    }
    arena_free(arena);
}

static void
a_column_that_stands_there_twice_does_no_harm(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    double weights[3];
    const double products[] = {4, 4, 0, 4, 4, 0, 0, 0, 1};
    non_negative_solve(arena, products, (const double[]){8, 8, 3}, 3, weights);
    assert_near(weights[0] + weights[1], 2, 1e-9);
    assert_near(weights[2], 3, 1e-9);
    non_negative_solve_mixture(arena, products, (const double[]){0, 0, 0}, 3, weights);
    assert_near(weights[0] + weights[1], 0.2, 1e-3); /* 4 a^2 + (1 - a)^2 is least there */
    arena_free(arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plane_of_two_columns_is_solved_as_by_hand),
        cmocka_unit_test(random_problems_meet_the_conditions_of_karush_kuhn_and_tucker),
        cmocka_unit_test(a_mixture_adds_up_to_one_and_no_other_is_nearer),
        cmocka_unit_test(a_column_that_stands_there_twice_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
