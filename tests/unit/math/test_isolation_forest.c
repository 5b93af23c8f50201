// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/isolation_forest.h"

#include <math.h>
#include <string.h>

#define ROWS 600
#define COLUMNS 5

static const float *
cloud(Arena *arena, uint64_t seed)
{
    Random random = random_new(seed);
    float *values = ARENA_NEW_ARRAY(arena, float, (size_t)ROWS *COLUMNS);
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++)
        values[i] = (float)random_normal(&random);
    return values;
}

static const IsolationForest *
fit(Arena *arena, const float *values, uint64_t seed)
{
    IsolationForestOptions options = {
        .values = values, .row_count = ROWS, .column_count = COLUMNS, .seed = seed};
    return isolation_forest_fit(arena, &options);
}

static void
a_row_far_away_has_a_high_score_and_its_column_is_the_cause(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    const IsolationForest *forest = fit(arena, cloud(arena, 3), 7);
    const float middle[COLUMNS] = {0};
    assert_true(isolation_forest_score(forest, middle) < 0.5);
    for (size_t column = 0; column < COLUMNS; column++) {
        float far[COLUMNS] = {0};
        double drop;
        far[column] = 9;
        assert_true(isolation_forest_score(forest, far) > isolation_forest_score(forest, middle) + 0.1);
        assert_int_equal(isolation_forest_cause(forest, far, &drop), column);
        assert_true(drop > 0.1);
    }
    float everywhere[COLUMNS] = {9, -9, 9, -9, 9};
    assert_true(isolation_forest_score(forest, everywhere) > 0.75);
}

static void
the_same_seed_gives_the_same_scores_and_another_seed_others(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    const float *values = cloud(arena, 5);
    const IsolationForest *first = fit(arena, values, 11);
    const IsolationForest *again = fit(arena, values, 11);
    const IsolationForest *other = fit(arena, values, 12);
    size_t differing = 0;
    for (size_t row = 0; row < ROWS; row++) {
        double score = isolation_forest_score(first, values + row * COLUMNS);
        assert_true(score == isolation_forest_score(again, values + row * COLUMNS));
        differing += score != isolation_forest_score(other, values + row * COLUMNS);
    }
    assert_true(differing > ROWS / 2);
}

static void
the_only_column_that_varies_is_found_among_a_hundred(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    static float values[200 * 100];
    for (size_t row = 0; row < 200; row++)
        values[row * 100 + 63] = (float)(row % 20);
    IsolationForestOptions options = {.values = values, .row_count = 200, .column_count = 100, .seed = 1};
    const IsolationForest *forest = isolation_forest_fit(arena, &options);
    static float odd[100];
    odd[63] = 60;
    assert_true(isolation_forest_score(forest, odd) > isolation_forest_score(forest, values + 1000) + 0.05);
    double drop;
    assert_int_equal(isolation_forest_cause(forest, odd, &drop), 63);
}

static void
unknown_values_are_the_median_of_their_column(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    float *values = ARENA_NEW_ARRAY(arena, float, (size_t)ROWS *COLUMNS);
    memcpy(values, cloud(arena, 9), sizeof(float) * ROWS * COLUMNS);
    for (size_t row = 0; row < ROWS; row++) {
        values[row * COLUMNS] = 100;
        values[row * COLUMNS + 4] = NAN;
    }
    for (size_t row = 0; row < ROWS; row += 7)
        values[row * COLUMNS] = row % 2 == 0 ? NAN : INFINITY;
    const IsolationForest *forest = fit(arena, values, 2);
    const float unknown[COLUMNS] = {NAN, 0, 0, 0, NAN};
    const float known[COLUMNS] = {100, 0, 0, 0, 0};
    assert_true(isolation_forest_score(forest, unknown) == isolation_forest_score(forest, known));
}

static void
equal_rows_are_all_alike_and_two_rows_are_enough(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 24);
    static float values[ROWS * COLUMNS];
    const IsolationForest *forest = fit(arena, values, 4);
    const float other[COLUMNS] = {3, 3, 3, 3, 3};
    assert_true(fabs(isolation_forest_score(forest, values) - 0.5) < 1e-6);
    assert_true(isolation_forest_score(forest, other) == isolation_forest_score(forest, values));
    IsolationForestOptions two = {.values = other, .row_count = 2, .column_count = 2, .trees = 10, .seed = 1};
    assert_true(isfinite(isolation_forest_score(isolation_forest_fit(arena, &two), other)));
}

static void
fit_one_row(void *context)
{
    (void)context;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("test", 1 << 20);
    const float row[1] = {1};
    IsolationForestOptions options = {.values = row, .row_count = 1, .column_count = 1};
    (void)isolation_forest_fit(arena, &options);
}

static void
one_row_is_no_forest(void **state)
{
    (void)state;
    assert_dies(fit_one_row, NULL, "row_count");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_far_away_has_a_high_score_and_its_column_is_the_cause),
        cmocka_unit_test(the_same_seed_gives_the_same_scores_and_another_seed_others),
        cmocka_unit_test(the_only_column_that_varies_is_found_among_a_hundred),
        cmocka_unit_test(unknown_values_are_the_median_of_their_column),
        cmocka_unit_test(equal_rows_are_all_alike_and_two_rows_are_enough),
        cmocka_unit_test(one_row_is_no_forest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
