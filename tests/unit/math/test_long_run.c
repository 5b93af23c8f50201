// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/arena.h"
#include "base/random.h"
#include "math/fourier.h"
#include "math/long_run.h"

#include <math.h>

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

/* x_t = coefficient x_(t - 1) + e_t, e uniform with variance 1. */
static void
autoregression_fill(double *values, size_t count, double coefficient, uint64_t seed)
{
    Random random = random_new(seed);
    double value = 0;
    for (size_t i = 0; i < count; i++) {
        value = coefficient * value + (random_unit(&random) - 0.5) * sqrt(12);
        values[i] = value;
    }
}

static void
small_series_have_the_variance_of_a_calculation_by_hand(void **state)
{
    (void)state;
    /* products at lags 0 and 1: 10 and -7; with lag 1 the weight of -7 is 2 * 1/2 */
    const double values[] = {1, -1, 2, -2};
    assert_near(long_run_variance(values, 4, 0), 10.0 / 4, 1e-15);
    assert_near(long_run_variance(values, 4, 1), (10 - 7.0) / 4, 1e-15);
    /* lag 2: -1 * 2 * 2/3 is -28/3, products at lag 2: 4, times 2 * 1/3 */
    assert_near(long_run_variance(values, 4, 2), (10 - 7 * 4.0 / 3 + 4 * 2.0 / 3) / 4, 1e-15);
}

static void
it_is_the_mean_square_of_all_windows_of_lag_and_one_values(void **state)
{
    (void)state;
    double values[60];
    autoregression_fill(values, 60, 0.5, 1);
    for (size_t lag = 0; lag < 20; lag++) {
        double square = 0;
        for (long first = -(long)lag; first < 60; first++) {
            double sum = 0;
            for (long i = first < 0 ? 0 : first; i <= first + (long)lag && i < 60; i++)
                sum += values[i];
            square += sum * sum;
        }
        assert_near(long_run_variance(values, 60, lag), square / 60 / (double)(lag + 1), 1e-12);
    }
}

static void
sums_of_products_made_once_give_the_same_for_each_lag(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", 1 << 20);
    double values[60];
    double sums[20];
    autoregression_fill(values, 60, 0.5, 2);
    fourier_correlate(arena, values, 60, 20, sums);
    for (size_t lag = 0; lag < 20; lag++)
        assert_near(long_run_variance_of_sums(sums, 60, lag), long_run_variance(values, 60, lag), 1e-9);
    arena_free(arena);
}

static void
an_autoregression_has_the_variance_of_theory(void **state)
{
    (void)state;
    static double values[200000];
    for (double coefficient = 0; coefficient < 0.85; coefficient += 0.4) {
        autoregression_fill(values, 200000, coefficient, 3);
        double theory = 1 / ((1 - coefficient) * (1 - coefficient));
        assert_near(long_run_variance(values, 200000, 400) / theory, 1, 0.1);
        assert_near(long_run_variance_whitened(values, 200000, 4) / theory, 1, 0.03);
    }
}

static void
the_memory_is_the_lag_at_which_the_autocorrelation_has_faded(void **state)
{
    (void)state;
    static double values[200000];
    autoregression_fill(values, 200000, 0.8, 4);
    /* .8^7 is .21, .8^8 is .17 */
    assert_int_equal(long_run_memory(values, 200000, 100, 0.2), 8);
    assert_int_equal(long_run_memory(values, 200000, 5, 0.2), 5);
    autoregression_fill(values, 200000, 0, 4);
    assert_int_equal(long_run_memory(values, 200000, 100, 0.2), 1);
    const double zeros[10] = {0};
    assert_int_equal(long_run_memory(zeros, 10, 5, 0.2), 1);
    assert_near(long_run_variance_whitened(zeros, 10, 2), 0, 0);
}

static void
lags_and_freedom_follow_their_rules(void **state)
{
    (void)state;
    assert_int_equal(long_run_lag(100), 4);
    assert_int_equal(long_run_lag(2688), 8); /* 4 * 26.88^(2/9) = 8.31 */
    assert_near(long_run_freedom(2688, 95), 28, 1e-12);
    assert_near(long_run_freedom(10, 50), 1, 0);
}

static void
lag_too_long(void *context)
{
    (void)context;
    const double values[] = {1, 2};
    (void)long_run_variance(values, 2, 2);
}

static void
a_lag_beyond_the_series_is_a_bug(void **state)
{
    (void)state;
    assert_dies(lag_too_long, NULL, "lag < count");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_series_have_the_variance_of_a_calculation_by_hand),
        cmocka_unit_test(it_is_the_mean_square_of_all_windows_of_lag_and_one_values),
        cmocka_unit_test(sums_of_products_made_once_give_the_same_for_each_lag),
        cmocka_unit_test(an_autoregression_has_the_variance_of_theory),
        cmocka_unit_test(the_memory_is_the_lag_at_which_the_autocorrelation_has_faded),
        cmocka_unit_test(lags_and_freedom_follow_their_rules),
        cmocka_unit_test(a_lag_beyond_the_series_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
