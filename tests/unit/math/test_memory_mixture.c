// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/arena.h"
#include "base/random.h"
#include "math/fourier.h"
#include "math/memory_mixture.h"

#include <math.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define COUNT ((size_t)3000)

static void
assert_near(double value, double wanted, double tolerance)
{
    if (!(fabs(value - wanted) <= tolerance))
        fail_msg("%.15g is not %.15g", value, wanted);
}

/* The variance of a sum of n, over n, straight from the autocovariances. */
static double
variance_by_lags(const MemoryMixture *mixture, size_t slots)
{
    double sum = 0;
    for (size_t i = 0; i < slots; i++)
        for (size_t j = 0; j < slots; j++)
            for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++) {
                size_t lag = i > j ? i - j : j - i;
                double correlation = lag == 0 ? 1 : pow(memory_mixture_coefficient(k), (double)lag);
                sum += mixture->variances[k] * correlation;
            }
    return sum / (double)slots;
}

static void
parts_forget_at_paces_that_double(void **state)
{
    (void)state;
    assert_near(memory_mixture_coefficient(0), 0, 0);
    assert_near(memory_mixture_coefficient(1), exp(-1), 1e-15);
    assert_near(memory_mixture_coefficient(4), exp(-1.0 / 8), 1e-15);
    assert_near(memory_mixture_coefficient(9), exp(-1.0 / 256), 1e-15);
}

static void
the_variance_of_a_sum_is_that_of_all_its_covariances(void **state)
{
    (void)state;
    MemoryMixture mixture = {.variances = {0.5, 0.1, 0, 0.3, 0, 0, 0.2, 0, 0, 0.05}};
    for (size_t slots = 1; slots <= 100; slots += 11)
        assert_near(memory_mixture_variance(&mixture, slots), variance_by_lags(&mixture, slots), 1e-9);
    assert_near(memory_mixture_variance(&mixture, 1), 1.15, 1e-12);
}

static void
fill(double *values, double white, double slow, double coefficient, uint64_t seed)
{
    Random random = random_new(seed);
    double level = 0;
    for (size_t t = 0; t < COUNT; t++) {
        level = coefficient * level + sqrt(1 - coefficient * coefficient) * random_normal(&random);
        values[t] = white * random_normal(&random) + slow * level;
    }
}

static void
a_fit_finds_the_variance_of_means_of_white_and_of_slow_noise(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static double values[COUNT];
    double white = 0;
    double slow = 0;
    MemoryMixture mixture;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fill(values, 1, 0, 0, seed);
        memory_mixture_fit(arena, values, COUNT, &mixture);
        white += memory_mixture_variance(&mixture, 100) / 20;
        fill(values, 1, 0.5, exp(-1.0 / 8), seed);
        memory_mixture_fit(arena, values, COUNT, &mixture);
        slow += memory_mixture_variance(&mixture, 100) / 20;
    }
    MemoryMixture truth = {.variances = {1, 0, 0, 0, 0.25}};
    /* variances that cannot be below 0 err upwards, by a tenth or so */
    assert_true(white > 0.95 && white < 1.2);
    /* most of it is memory: without that it would be 1.25 */
    double wanted = memory_mixture_variance(&truth, 100);
    assert_true(wanted > 4);
    assert_true(slow > 0.95 * wanted && slow < 1.25 * wanted);
    arena_free(arena);
}

/* Less the logarithm of the likelihood, frequency by frequency. */
static double
misfit_of(const MemoryMixture *mixture, const double *power)
{
    double misfit = 0;
    for (size_t j = 1; j <= COUNT / 2; j++) {
        double density = 0;
        double cosine = cos(2 * M_PI * (double)j / (double)COUNT);
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++) {
            double c = memory_mixture_coefficient(k);
            density += mixture->variances[k] * (1 - c * c) / (1 - 2 * c * cosine + c * c);
        }
        misfit += log(density) + power[j] / (double)COUNT / density;
    }
    return misfit;
}

static void
no_part_of_a_fit_can_be_moved_to_make_the_values_likelier(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static double values[COUNT];
    double *power = ARENA_NEW_ARRAY(arena, double, COUNT / 2 + 1);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        MemoryMixture mixture;
        fill(values, 1, seed % 2 == 0 ? 0 : 0.5, 0.9, seed);
        fourier_power(arena, values, COUNT, power);
        memory_mixture_fit(arena, values, COUNT, &mixture);
        double best = misfit_of(&mixture, power);
        for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
            for (int sign = -1; sign <= 1; sign += 2) {
                MemoryMixture moved = mixture;
                moved.variances[k] = fmax(moved.variances[k] + sign * 0.03, 0);
                /* neighbouring frequencies are taken together in a fit: 0.1 of thousands */
                assert_true(misfit_of(&moved, power) > best - 0.1);
            }
    }
    arena_free(arena);
}

static void
the_scale_of_the_values_is_the_scale_of_the_fit(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    static double values[COUNT];
    MemoryMixture once;
    MemoryMixture tenfold;
    fill(values, 1, 1, 0.9, 3);
    memory_mixture_fit(arena, values, COUNT, &once);
    for (size_t t = 0; t < COUNT; t++)
        values[t] *= 10;
    memory_mixture_fit(arena, values, COUNT, &tenfold);
    for (size_t k = 0; k < MEMORY_MIXTURE_PARTS; k++)
        assert_near(tenfold.variances[k], 100 * once.variances[k], 1e-6);
    arena_free(arena);
}

static void
what_never_moves_has_no_variance(void **state)
{
    (void)state;
    Arena *arena = arena_new("test", ARENA_BYTES);
    const double values[] = {0, 0, 0, 0};
    MemoryMixture mixture = {.variances = {1}};
    memory_mixture_fit(arena, values, 4, &mixture);
    assert_near(memory_mixture_variance(&mixture, 10), 0, 0);
    const double single[] = {3};
    memory_mixture_fit(arena, single, 1, &mixture);
    assert_near(memory_mixture_variance(&mixture, 10), 0, 0);
    arena_free(arena);
}

static void
variance_of_nothing(void *context)
{
    (void)memory_mixture_variance(context, 0);
}

static void
a_mean_of_no_values_is_a_bug(void **state)
{
    (void)state;
    MemoryMixture mixture = {.variances = {1}};
    assert_dies(variance_of_nothing, &mixture, "slots >= 1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_forget_at_paces_that_double),
        cmocka_unit_test(the_variance_of_a_sum_is_that_of_all_its_covariances),
        cmocka_unit_test(a_fit_finds_the_variance_of_means_of_white_and_of_slow_noise),
        cmocka_unit_test(no_part_of_a_fit_can_be_moved_to_make_the_values_likelier),
        cmocka_unit_test(the_scale_of_the_values_is_the_scale_of_the_fit),
        cmocka_unit_test(what_never_moves_has_no_variance),
        cmocka_unit_test(a_mean_of_no_values_is_a_bug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
