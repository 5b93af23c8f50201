// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "math/fourier.h"

#include <math.h>

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static double complex
slow_transform_at(const double complex *values, size_t count, size_t k)
{
    double complex sum = 0;
    for (size_t t = 0; t < count; t++) {
        double angle = -2 * M_PI * (double)((k * t) % count) / (double)count;
        sum += values[t] * (cos(angle) + I * sin(angle));
    }
    return sum;
}

static void
the_transform_is_the_sum_that_defines_it(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 2, 3, 4, 5, 7, 8, 12, 30, 64, 97, 128, 168, 720, 1021};
    Random random = random_new(3);
    for (size_t c = 0; c < FETTLE_COUNT_OF(counts); c++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fourier", ARENA_BYTES);
        size_t count = counts[c];
        double complex *values = ARENA_NEW_ARRAY(arena, double complex, count);
        for (size_t i = 0; i < count; i++)
            values[i] = random_unit(&random) - 0.5 + I * (random_unit(&random) - 0.5);
        double complex *work = arena_memdup(arena, values, count * sizeof(*values));
        fourier_transform(arena, work, count);
        for (size_t k = 0; k < count; k++)
            assert_true(cabs(work[k] - slow_transform_at(values, count, k)) < 1e-10);
    }
}

static void
a_wave_is_one_peak_of_power(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fourier", ARENA_BYTES);
    double values[720];
    double power[361];
    for (size_t i = 0; i < 720; i++)
        values[i] = 3 * cos(2 * M_PI * (double)i / 24);
    fourier_power(arena, values, 720, power);
    for (size_t k = 0; k <= 360; k++)
        assert_true(fabs(power[k] - (k == 30 ? 3.0 * 3 * 360 * 360 : 0)) < 1e-6);
}

static void
correlation_is_the_sum_of_lagged_products(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fourier", ARENA_BYTES);
    Random random = random_new(4);
    double values[301];
    double sums[200];
    for (size_t i = 0; i < 301; i++)
        values[i] = random_unit(&random) - 0.5;
    fourier_correlate(arena, values, 301, 200, sums);
    for (size_t lag = 0; lag < 200; lag++) {
        double wanted = 0;
        for (size_t i = 0; i + lag < 301; i++)
            wanted += values[i] * values[i + lag];
        assert_true(fabs(sums[lag] - wanted) < 1e-10);
    }
}

static void
transform_too_much(void *context)
{
    double complex value = 1;
    fourier_transform(context, &value, FOURIER_COUNT_MOST + 1);
}

static void
longer_series_than_allowed_stop_the_program(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("fourier", ARENA_BYTES);
    assert_dies(transform_too_much, arena, "count <= ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transform_is_the_sum_that_defines_it),
        cmocka_unit_test(a_wave_is_one_peak_of_power),
        cmocka_unit_test(correlation_is_the_sum_of_lagged_products),
        cmocka_unit_test(longer_series_than_allowed_stop_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
