// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "math/bootstrap.h"
#include "math/statistics.h"

#include <math.h>

#define COUNT ((size_t)200)
#define DRAWS ((size_t)20000)

/* A series that remembers four fifths of its last value. */
static void
series_fill(double *values)
{
    Random random = random_new(7);
    double value = 0;
    for (size_t i = 0; i < COUNT; i++) {
        value = 0.8 * value + random_unit(&random) - 0.5;
        values[i] = value;
    }
}

/* The deviation of a mean of length values in blocks that divide it, from all blocks that there are. */
static double
deviation_exact(const double *values, size_t length, size_t block)
{
    double sum = 0;
    double square = 0;
    for (size_t first = 0; first + block <= COUNT; first++) {
        double mean = 0;
        for (size_t i = first; i < first + block; i++)
            mean += values[i] / (double)block;
        sum += mean;
        square += mean * mean;
    }
    double blocks = (double)(COUNT - block + 1);
    return sqrt((square / blocks - sum / blocks * sum / blocks) * (double)block / (double)length);
}

static void
means_scatter_as_the_blocks_that_they_are_made_of(void **state)
{
    (void)state;
    static double means[DRAWS];
    double values[COUNT];
    double weights[COUNT];
    series_fill(values);
    for (size_t i = 0; i < COUNT; i++)
        weights[i] = 1;
    BootstrapSeries series = {.values = values, .weights = weights, .count = COUNT};
    double last = 0;
    for (size_t block = 1; block <= 20; block *= block < 4 ? 4 : 5) {
        Random random = random_new(block);
        bootstrap_means(&series, 100, block, &random, means, DRAWS);
        double deviation = statistics_deviation_sample(means, DRAWS);
        /* 20,000 draws know a deviation to half a percent */
        assert_true(fabs(deviation / deviation_exact(values, 100, block) - 1) < 0.02);
        assert_true(deviation > last);
        last = deviation;
    }
}

static void
a_value_without_weight_is_never_in_a_mean(void **state)
{
    (void)state;
    double values[] = {1, 1, NAN, 1, 1000, 1};
    double weights[] = {1, 1, 0, 1, 0, 2};
    double means[500];
    BootstrapSeries series = {.values = values, .weights = weights, .count = 6};
    Random random = random_new(1);
    bootstrap_means(&series, 7, 2, &random, means, 500);
    for (size_t i = 0; i < 500; i++)
        assert_true(means[i] == 1);
}

static void
the_same_state_gives_the_same_draws(void **state)
{
    (void)state;
    double values[COUNT];
    double weights[COUNT];
    double one[10];
    double other[10];
    series_fill(values);
    for (size_t i = 0; i < COUNT; i++)
        weights[i] = 1;
    BootstrapSeries series = {.values = values, .weights = weights, .count = COUNT};
    Random random = random_new(3);
    Random again = random;
    bootstrap_means(&series, 33, 8, &random, one, 10);
    bootstrap_means(&series, 33, 8, &again, other, 10);
    assert_memory_equal(one, other, sizeof(one));
    bootstrap_means(&series, 33, 8, &random, other, 10);
    assert_memory_not_equal(one, other, sizeof(one));
}

static void
without_weight(void *context)
{
    (void)context;
    double values[] = {1, 2};
    double weights[] = {0, 0};
    double mean;
    Random random = random_new(1);
    bootstrap_means(&(BootstrapSeries){.values = values, .weights = weights, .count = 2}, 2, 1, &random,
                    &mean, 1);
}

static void
nothing_to_draw_from_is_a_bug(void **state)
{
    (void)state;
    assert_dies(without_weight, NULL, "weight > 0");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_scatter_as_the_blocks_that_they_are_made_of),
        cmocka_unit_test(a_value_without_weight_is_never_in_a_mean),
        cmocka_unit_test(the_same_state_gives_the_same_draws),
        cmocka_unit_test(nothing_to_draw_from_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
