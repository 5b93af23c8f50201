// SPDX-License-Identifier: PostgreSQL
#include "../death.h"

#include "base/random.h"
#include "workload/period.h"

#include <math.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define HOURS ((size_t)60 * 24)

/* A level with 10 % noise. */
static double *
level(Arena *arena, Random *random, size_t count)
{
    double *values = ARENA_NEW_ARRAY(arena, double, count);
    for (size_t i = 0; i < count; i++)
        values[i] = 1000 * exp(0.1 * random_normal(random));
    return values;
}

static void
assert_periods(Arena *arena, const double *values, size_t count, const size_t *wanted, size_t wanted_count)
{
    Periods periods = period_detect(arena, values, count);
    assert_int_equal(periods.verdict, PERIOD_SEARCHED);
    assert_int_equal(periods.count, wanted_count);
    for (size_t i = 0; i < wanted_count; i++) {
        assert_int_equal(periods.hours[i], wanted[i]);
        assert_true(periods.share[i] > 0 && periods.share[i] <= 1);
    }
}

static void
a_wave_of_any_length_is_found(void **state)
{
    (void)state;
    static const size_t lengths[] = {6, 7, 12, 24, 25, 37, 90, 168};
    for (size_t l = 0; l < FETTLE_COUNT_OF(lengths); l++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
        Random random = random_new(l);
        double *values = level(arena, &random, HOURS);
        for (size_t i = 0; i < HOURS; i++)
            values[i] *= exp(0.5 * sin(2 * M_PI * (double)i / (double)lengths[l]));
        assert_periods(arena, values, HOURS, &lengths[l], 1);
    }
}

static void
a_period_is_seen_in_two_cycles_and_a_half(void **state)
{
    (void)state;
    assert_int_equal(period_longest(168), 67);
    assert_int_equal(period_longest(419), 167);
    assert_int_equal(period_longest(420), 168);
    assert_int_equal(period_longest(90 * 24), PERIOD_HOURS_MOST);
}

static void
days_and_weeks_are_told_apart(void **state)
{
    (void)state;
    for (int has_weeks = 0; has_weeks < 2; has_weeks++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
        Random random = random_new(7);
        double *values = level(arena, &random, HOURS);
        for (size_t i = 0; i < HOURS; i++) {
            values[i] *= i % 24 >= 8 && i % 24 < 18 ? 5 : 1;
            values[i] *= has_weeks && i / 24 % 7 >= 5 ? 0.4 : 1;
        }
        assert_periods(arena, values, HOURS, (size_t[]){24, 168}, has_weeks ? 2 : 1);
    }
}

static void
a_day_without_any_noise_has_no_other_period(void **state)
{
    (void)state;
    for (size_t start = 0; start < 24; start += 5)
        for (size_t count = 24 * 10; count < 24 * 40; count += 37) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
            double *values = ARENA_NEW_ARRAY(arena, double, count);
            for (size_t i = 0; i < count; i++) {
                size_t hour = (i + start) % 24;
                values[i] = hour == 2 || hour == 8 || hour == 15 ? 500 : 50;
            }
            assert_periods(arena, values, count, (size_t[]){24}, 1);
        }
}

/* Three busy hours of an idle database: whatever hour it is, and however few days were seen. */
static void
a_busy_morning_repeats_after_a_day_at_any_hour_of_looking(void **state)
{
    (void)state;
    for (size_t start = 0; start < 24; start++)
        for (size_t count = 73; count < 300; count += 3) {
            FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
            double values[300] = {0};
            for (size_t i = 0; i < count; i++)
                values[i] = (i + start) % 24 >= 8 && (i + start) % 24 <= 10 ? 12700 : 4700;
            assert_periods(arena, values, count, (size_t[]){24}, 1);
        }
}

static void
a_job_of_an_hour_is_found_in_an_idle_database(void **state)
{
    (void)state;
    for (size_t every = 5; every < 60; every += 13) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
        double *values = ARENA_NEW_ARRAY(arena, double, HOURS);
        for (size_t i = 0; i < HOURS; i++)
            values[i] = i % every == 3 ? 500 : 0;
        assert_periods(arena, values, HOURS, &every, 1);
    }
}

static void
trend_spikes_and_gaps_do_not_hide_a_day(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
    Random random = random_new(9);
    double *values = level(arena, &random, HOURS);
    for (size_t i = 0; i < HOURS; i++) {
        values[i] *= exp(0.5 * sin(2 * M_PI * (double)i / 24) + 2 * (double)i / (double)HOURS);
        if (random_below(&random, 100) == 0)
            values[i] *= 100;
        if (random_below(&random, 6) == 0)
            values[i] = NAN;
    }
    assert_periods(arena, values, HOURS, (size_t[]){24}, 1);
}

static void
what_does_not_repeat_has_no_period(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
        Random random = random_new(seed);
        double *noise = level(arena, &random, HOURS);
        double *walk = ARENA_NEW_ARRAY(arena, double, HOURS);
        double *constant = ARENA_NEW_ARRAY(arena, double, HOURS);
        double at = 0;
        for (size_t i = 0; i < HOURS; i++) {
            at += 0.1 * random_normal(&random);
            walk[i] = 1000 * exp(at);
            constant[i] = seed == 0 ? 0 : 42;
        }
        assert_periods(arena, noise, HOURS, NULL, 0);
        assert_periods(arena, walk, HOURS, NULL, 0);
        assert_periods(arena, constant, HOURS, NULL, 0);
    }
}

static void
too_little_is_said_to_be_so(void **state)
{
    (void)state;
    FETTLE_CLEANUP(arena_free_at) Arena *arena = arena_new("period", ARENA_BYTES);
    Random random = random_new(1);
    double *values = level(arena, &random, HOURS);
    assert_int_equal(period_detect(arena, values, 0).verdict, PERIOD_TOO_SHORT);
    assert_int_equal(period_detect(arena, values, PERIOD_HOURS_LEAST - 1).verdict, PERIOD_TOO_SHORT);
    assert_int_equal(period_detect(arena, values, PERIOD_HOURS_LEAST).verdict, PERIOD_SEARCHED);
    for (size_t i = 0; i < HOURS; i += 3)
        values[i] = NAN;
    assert_int_equal(period_detect(arena, values, HOURS).verdict, PERIOD_TOO_FEW);
    for (size_t i = 0; i < HOURS; i++)
        values[i] = NAN;
    assert_int_equal(period_detect(arena, values, HOURS).verdict, PERIOD_TOO_FEW);
}

static void
autocorrelation_is_one_at_a_period_and_unknown_without_pairs(void **state)
{
    (void)state;
    double values[240];
    for (size_t i = 0; i < 240; i++)
        values[i] = i % 24 < 12 ? 1 : 3;
    assert_true(fabs(period_autocorrelation(values, 240, 24) - 1) < 1e-12);
    assert_true(fabs(period_autocorrelation(values, 240, 12) + 1) < 1e-12);
    assert_true(isnan(period_autocorrelation(values, 240, 240)));
    for (size_t i = 0; i < 240; i++)
        values[i] = 5;
    assert_true(isnan(period_autocorrelation(values, 240, 24)));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wave_of_any_length_is_found),
        cmocka_unit_test(a_period_is_seen_in_two_cycles_and_a_half),
        cmocka_unit_test(days_and_weeks_are_told_apart),
        cmocka_unit_test(a_day_without_any_noise_has_no_other_period),
        cmocka_unit_test(a_busy_morning_repeats_after_a_day_at_any_hour_of_looking),
        cmocka_unit_test(a_job_of_an_hour_is_found_in_an_idle_database),
        cmocka_unit_test(trend_spikes_and_gaps_do_not_hide_a_day),
        cmocka_unit_test(what_does_not_repeat_has_no_period),
        cmocka_unit_test(too_little_is_said_to_be_so),
        cmocka_unit_test(autocorrelation_is_one_at_a_period_and_unknown_without_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
