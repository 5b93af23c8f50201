// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "math/minimize.h"

#include <math.h>

static const double low[] = {-5, -5, -5};
static const double high[] = {5, 5, 5};

static double
valley(const double *at, const void *context)
{
    (void)context;
    double bend = at[1] - at[0] * at[0];
    return 100 * bend * bend + (1 - at[0]) * (1 - at[0]);
}

static double
bowl(const double *at, const void *context)
{
    const double *centre = context;
    double sum = 1;
    for (size_t i = 0; i < 3; i++)
        sum += (at[i] - centre[i]) * (at[i] - centre[i]);
    return sum;
}

static double
half_unknown(const double *at, const void *context)
{
    (void)context;
    return at[0] < 0 ? NAN : (at[0] - 1) * (at[0] - 1);
}

static void
the_bottom_of_a_bent_valley_is_found(void **state)
{
    (void)state;
    MinimizeOptions options = {
        .function = valley, .lower = low, .upper = high, .step = 0.1, .evaluations_most = 500};
    double at[] = {-1.2, 1};
    double least = minimize_simplex(&options, at, 2);
    assert_true(least < 1e-10);
    assert_true(fabs(at[0] - 1) < 1e-4 && fabs(at[1] - 1) < 1e-4);
}

static void
a_minimum_outside_the_box_is_found_on_its_wall(void **state)
{
    (void)state;
    const double centre[] = {7, -1, 0.5};
    MinimizeOptions options = {.function = bowl,
                               .context = centre,
                               .lower = low,
                               .upper = high,
                               .step = 0.1,
                               .tolerance = 1e-12,
                               .evaluations_most = 500};
    double at[] = {0, 0, 0};
    assert_true(fabs(minimize_simplex(&options, at, 3) - 5) < 1e-6);
    assert_true(fabs(at[0] - 5) < 1e-3 && fabs(at[1] + 1) < 1e-3 && fabs(at[2] - 0.5) < 1e-3);
}

static void
unknown_values_are_the_worst(void **state)
{
    (void)state;
    MinimizeOptions options = {
        .function = half_unknown, .lower = low, .upper = high, .step = 0.3, .evaluations_most = 200};
    double at[] = {-0.5};
    assert_true(minimize_simplex(&options, at, 1) < 1e-6);
    assert_true(fabs(at[0] - 1) < 1e-3);
}

static void
it_stops_at_its_limit_of_evaluations(void **state)
{
    (void)state;
    MinimizeOptions options = {
        .function = valley, .lower = low, .upper = high, .step = 0.1, .evaluations_most = 5};
    double at[] = {-1.2, 1};
    double start[] = {-1.2, 1};
    double least = minimize_simplex(&options, at, 2);
    assert_true(least <= valley(start, NULL) && least > 1e-3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bottom_of_a_bent_valley_is_found),
        cmocka_unit_test(a_minimum_outside_the_box_is_found_on_its_wall),
        cmocka_unit_test(unknown_values_are_the_worst),
        cmocka_unit_test(it_stops_at_its_limit_of_evaluations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
